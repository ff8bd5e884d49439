"""The page about published models by the rules of their posts, with networks of ours beside."""
