"""Networks drawn at random, whose kernels the cost model learns from."""
