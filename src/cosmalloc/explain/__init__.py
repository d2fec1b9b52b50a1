"""Why things are where they are: computed from a plan and its problem, true of exactly these."""

from cosmalloc.explain.find import Found, find
from cosmalloc.explain.operator import OperatorStory, explain_operator
from cosmalloc.explain.tensor import TensorStory, explain_tensor
from cosmalloc.explain.words import operator_words, tensor_words

__all__ = [
    "Found",
    "OperatorStory",
    "TensorStory",
    "explain_operator",
    "explain_tensor",
    "find",
    "operator_words",
    "tensor_words",
]
