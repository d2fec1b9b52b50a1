"""Accelerator memory mapping for MLIR: operator order, scratchpad addresses and copies."""
