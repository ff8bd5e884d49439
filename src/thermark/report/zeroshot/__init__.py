"""The page about untrained contestants."""
