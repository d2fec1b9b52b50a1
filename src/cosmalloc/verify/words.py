"""How the judge names things."""

from __future__ import annotations

from cosmalloc.problem import Problem


def tensor_words(problem: Problem, tensor: int) -> str:
    """tensor 3 (`x`)"""
    return f"tensor {tensor} (`{problem.tensors[tensor].name}`)"


def operator_words(problem: Problem, operator: int) -> str:
    """operator 41 (`conv2d_7`)"""
    return f"operator {operator} (`{problem.operators[operator].name}`)"
