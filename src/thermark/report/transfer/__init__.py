"""What runs of rendered data are worth on the faces of a real camera, in boxes of several kinds."""
