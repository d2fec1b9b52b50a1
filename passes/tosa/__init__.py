"""TOSA (1.0, and what torch-mlir and the TFLite converter write of it) read as StableHLO."""
