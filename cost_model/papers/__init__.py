"""The models of "ML-driven Hardware Cost Model for MLIR" (arXiv 2302.11405): MLIR read as text.

Two ways to cut the text into tokens (`tokens`), three networks on them (`bag`, `lstm`, `conv1d`),
one way to train them (`training`). They are rivals of our own model, not parts of it.
"""
