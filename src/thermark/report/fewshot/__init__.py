"""The page about heads from few labels."""
