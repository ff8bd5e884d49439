"""The renderer: heads, heat, camera."""
