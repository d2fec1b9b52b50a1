"""Learned seconds of operators (not built yet); the analytical ones are `cosmalloc.seconds`."""
