"""The leaderboard, its figures and galleries."""
