"""What kernels cost: measured, learned, predicted; analytical seconds are `cosmalloc.seconds`."""
