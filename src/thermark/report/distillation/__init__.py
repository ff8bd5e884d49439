"""The page about distillation."""
