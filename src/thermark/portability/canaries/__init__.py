"""Small computations whose bytes are the same on every CPU that the portable arithmetic is for."""
