"""A plan to look at."""
