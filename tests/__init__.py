"""A package of its own, so that no other on the path is taken for it."""
