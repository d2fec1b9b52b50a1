"""Memory mapping as a game, and an agent that plays it (not built yet)."""
