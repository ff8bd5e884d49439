"""One HTML file that anybody can open: the best contestants, the real differences, speed, and what did not run."""
