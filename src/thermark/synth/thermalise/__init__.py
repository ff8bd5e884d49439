"""Thermal pictures from colour ones."""
