"""What kernels cost: measured, learned and predicted; `cosmalloc.seconds` has the analytical ones."""
