"""Faults in plain words: the law, what is wrong, where, and an edit of the plan that mends it.

An edit is only told if it was tried and judged: the mended plan lacks the fault and has no other
that was not there before.
"""

from cosmalloc.mend.advice import LAWS, Advice, advise

__all__ = ["LAWS", "Advice", "advise"]
