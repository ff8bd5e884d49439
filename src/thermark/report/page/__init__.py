"""One HTML file that anybody can open: who is best, whether that is real, how fast, and what did not run."""
