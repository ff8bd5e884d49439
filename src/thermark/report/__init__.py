"""Results, tables, figures, pages, and what is said of them."""
