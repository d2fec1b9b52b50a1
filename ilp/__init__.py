"""COSMA-style integer programs for order, offsets and replacement (not built yet)."""
