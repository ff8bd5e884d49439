"""Published checkpoints in, ONNX files out."""
