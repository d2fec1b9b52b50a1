"""Who leaves: the rules of replacement, for an allocator that asks at one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Rule = Literal["belady", "cheapest"]
RULES: tuple[Rule, ...] = ("belady", "cheapest")


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor that may leave. next_use: step. price: bytes moved if it leaves now."""

    tensor: int
    bytes: int
    next_use: int
    price: int


def victims(rule: Rule, held: Sequence[Held], need: int) -> list[int]:
    """Tensors of at least `need` bytes together; all there are if that is not enough."""
    if need <= 0:
        return []
    if sum(one.bytes for one in held) <= need:
        return [one.tensor for one in held]
    if rule == "belady":
        ranked = sorted(held, key=lambda one: (-one.next_use, -one.bytes, one.tensor))
        return until(ranked, lambda gone: sum(one.bytes for one in gone) >= need)
    return cheapest(held, need)


def until(ranked: Sequence[Held], enough: Callable[[Sequence[Held]], bool]) -> list[int]:
    """The shortest beginning that is enough."""
    for count in range(1, len(ranked) + 1):
        if enough(ranked[:count]):
            return [one.tensor for one in ranked[:count]]
    return [one.tensor for one in ranked]


def cheapest(held: Sequence[Held], need: int) -> list[int]:
    """min sum price over sets with sum bytes >= need, by branch and bound.

    The bound is the linear relaxation: price per byte ascending, the last one in part.
    """
    ranked = sorted(held, key=lambda one: (one.price / one.bytes, -one.bytes))
    best: list[int] = [one.tensor for one in ranked]
    best_price = sum(one.price for one in ranked)

    def relaxed(k: int, left: int) -> float:
        total = 0.0
        for one in ranked[k:]:
            if left <= one.bytes:
                return total + one.price * left / one.bytes
            total += one.price
            left -= one.bytes
        return float("inf")

    def walk(k: int, chosen: list[int], price: int, left: int) -> None:
        nonlocal best, best_price
        if left <= 0:
            if price < best_price:
                best, best_price = chosen, price
            return
        if price + relaxed(k, left) >= best_price:
            return
        one = ranked[k]
        walk(k + 1, [*chosen, one.tensor], price + one.price, left - one.bytes)
        walk(k + 1, chosen, price, left)

    walk(0, [], 0, need)
    return best
