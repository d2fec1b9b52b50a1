"""How many bytes a type takes: the one place that knows.

    bytes(tensor) = ceil(elements * bits(element) / 8)

Elements narrower than a byte are packed (i4, f4, f6), wider ones take the next power of two of
bits; i1 takes a whole byte, as the consumers of StableHLO store it;
index takes 8 bytes; complex two parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, prod

from jaxlib.mlir import ir

from cosmalloc.errors import InputError


@dataclass(frozen=True, slots=True)
class Sizes:
    """How element types count.

    float_bytes: bytes that every floating-point element counts, whatever its type, None for its own
    width. `Sizes(float_bytes=1)` plans a float program as if it were quantised to one byte.
    A complex element counts as two floating-point ones. Integers always count their own width.
    """

    float_bytes: int | Fraction | None = None

    def __post_init__(self) -> None:
        if self.float_bytes is not None and not 0 < self.float_bytes <= 16:
            raise InputError(f"{self.float_bytes} bytes per element is not in (0, 16]")

    def element_bits(self, type: ir.Type) -> int | Fraction | None:
        """Bits of one stored element, None for a type that is no number."""
        if isinstance(type, ir.ComplexType):
            part = self.element_bits(type.element_type)
            return None if part is None else 2 * part
        if isinstance(type, ir.IntegerType):
            return 8 if type.width == 1 else _stored(type.width)
        if isinstance(type, ir.FloatType):
            return _stored(type.width) if self.float_bytes is None else 8 * self.float_bytes
        return 64 if isinstance(type, ir.IndexType) else None


def _stored(width: int) -> int:
    return width if width < 8 else max(8, 1 << (width - 1).bit_length())


@dataclass(frozen=True, slots=True)
class Shaped:
    """What the rules need of one tensor type."""

    shape: tuple[int, ...]
    elements: int
    bits: int | Fraction  # of one element
    is_complex: bool

    @property
    def bytes(self) -> int:
        return self.bytes_of(self.elements)

    def bytes_of(self, elements: int) -> int:
        """Bytes of that many elements lying together."""
        return ceil(elements * self.bits / 8) if self.bits % 8 else elements * int(self.bits) // 8


def shaped(type: ir.Type, sizes: Sizes) -> Shaped | str:
    """The facts of a type with a static shape, or the reason why it has none."""
    if not isinstance(type, ir.ShapedType):
        bits = sizes.element_bits(type)
        if bits is None:
            return "it is no tensor"
        return Shaped((), 1, bits, isinstance(type, ir.ComplexType))
    if not type.has_static_shape:
        return "its shape is dynamic"
    element = type.element_type
    bits = sizes.element_bits(element)
    if bits is None:
        return "its elements have no known width"
    shape = tuple(type.shape)
    return Shaped(shape, prod(shape), bits, isinstance(element, ir.ComplexType))


def tensor_bytes(type: ir.Type, sizes: Sizes | None = None) -> int:
    """Bytes of a tensor of this type, 0 where a dimension is 0. InputError if they are unknown."""
    found = shaped(type, sizes or Sizes())
    if isinstance(found, str):
        raise InputError(f"type `{type}` has no size: {found}", TYPE_HINT)
    return found.bytes


TYPE_HINT = "export with concrete shapes (no symbolic dimensions, no tokens); sizes must be known"
