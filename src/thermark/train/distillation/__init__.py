"""Teacher and student: paths, terms, losses."""
