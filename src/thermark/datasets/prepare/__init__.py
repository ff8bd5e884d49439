"""Prepared faces: packed crops, framed boxes, shards."""
