"""Plans of low latency under the operand rule `anywhere`, in source order."""
