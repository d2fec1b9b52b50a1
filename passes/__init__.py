"""MLIR in, MLIR out: readers, lifetimes, mapping and lowering passes."""
