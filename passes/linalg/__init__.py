"""linalg on tensors, with arith, math and tensor, read as StableHLO."""
