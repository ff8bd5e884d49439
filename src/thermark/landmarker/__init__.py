"""Thermal landmarks out of the box: a face detector and a landmark network as package data, without PyTorch."""
