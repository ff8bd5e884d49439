"""Contestants, published models and networks of ours: their contract, and how they predict."""
