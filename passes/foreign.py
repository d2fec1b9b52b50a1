"""MLIR of dialects that only torch-mlir knows, run on JAX's tracers operation by operation.

A value is known (a numpy array: shapes and small constants) or traced. Text and bytecode are read;
what every handler needs of an operation, its attributes as numbers and its place, is here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
import numpy.typing as npt

from cosmalloc.errors import InputError

Value: TypeAlias = Any
Array = npt.NDArray[Any]
Handler: TypeAlias = "Callable[..., Any]"
BROKEN = (
    *(TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError),
    *(ZeroDivisionError, NotImplementedError, AssertionError, RecursionError, MemoryError),
)
INSTALL = "install it: `pip install 'cosmalloc[mlir]'`"
_TYPES: dict[str, npt.DTypeLike] = {
    "i1": np.bool_,
    "i4": ml_dtypes.int4,
    "i48": np.int64,
    "index": np.int64,
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
    "bf16": ml_dtypes.bfloat16,
    "f8E4M3FN": ml_dtypes.float8_e4m3fn,
    "f8E5M2": ml_dtypes.float8_e5m2,
    "complex<f32>": np.complex64,
    "complex<f64>": np.complex128,
}
for _bits in (8, 16, 32, 64):
    _TYPES[f"i{_bits}"] = _TYPES[f"si{_bits}"] = np.dtype(f"int{_bits}")
    _TYPES[f"ui{_bits}"] = np.dtype(f"uint{_bits}")
_KEY = r'"(?:[^"\\]|\\.)*"|[\w$.-]+'  # quoted where it is no plain name
_RESOURCE = re.compile(rf'^\s*({_KEY}):\s*"0x([0-9A-Fa-f]*)"', re.M)
_OF_RESOURCE = re.compile(rf"dense_resource<({_KEY})> : (.*)")
_DENSE = re.compile(r"^dense<(.*)> : ", re.S)


@dataclass
class Reading:
    """What all operations of a module share.

    handlers: by operation. lift: makes an argument of a large constant, None to keep it in place.
    opaque: makes the results of an operation that nobody knows, None where it is an error.
    resources: bytes by name.
    """

    handlers: Mapping[str, Handler]
    opaque: Callable[[Op, Sequence[Value]], Sequence[Value]] | None = None
    lift: Callable[[Op, Array], Value] | None = None
    resources: dict[str, bytes] = field(default_factory=dict)
    functions: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Op:
    """One operation and what its values are."""

    handle: Any  # torch_mlir.ir.Operation
    reading: Reading
    values: dict[Any, Value]

    @property
    def name(self) -> str:
        return str(self.handle.name)

    @property
    def where(self) -> str:
        """In words for a message."""
        own = f" ({self.word('operator_name')})" if self.has("operator_name") else ""
        return f"`{self.name}`{own} at {place_of(str(self.handle.location))}"

    def fault(self, fact: str, hint: str = "") -> InputError:
        return InputError(f"{self.where} {fact}", hint)

    def has(self, name: str) -> bool:
        return name in self.handle.attributes

    def attribute(self, name: str) -> Any:
        """Raises InputError where it is missing."""
        if name not in self.handle.attributes:
            raise self.fault(f"has no attribute `{name}`")
        return self.handle.attributes[name]

    def ints(self, name: str, default: Sequence[int] | None = None) -> list[int]:
        """An array or dense attribute of integers."""
        if default is not None and not self.has(name):
            return list(default)
        found = self.attribute(name)
        text = str(found)
        if text.startswith("array<"):
            return [int(each) for each in found]
        return [int(each) for each in self.dense(found).reshape(-1)]

    def number(self, name: str, default: float | None = None) -> Any:
        """An integer or floating-point attribute."""
        if default is not None and not self.has(name):
            return default
        return self.attribute(name).value

    def flag(self, name: str) -> bool:
        return self.has(name) and str(self.attribute(name)) in ("true", "unit")

    def word(self, name: str, default: str = "") -> str:
        """A string, or what stands in the brackets of an attribute of its own dialect."""
        if not self.has(name):
            return default
        text = str(self.attribute(name))
        inner = re.search(r"<(\w+)>", text)
        return inner[1] if inner else text.strip('"')

    def result(self, index: int = 0) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """(shape, dtype) of a result."""
        return shape_and_kind(self.handle.results[index].type, self)

    def known(self, value: Value) -> list[int]:
        """A value that must be a list of numbers. Raises InputError where data decide."""
        if not isinstance(value, np.ndarray):
            raise self.fault("takes a shape from data", "give the model fixed shapes")
        return [int(each) for each in value.reshape(-1)]

    def dense(self, attribute: Any) -> Array:
        """The numbers of a dense attribute."""
        return dense_values(attribute, self)


def place_of(location: str) -> str:
    """A location as a name, `file:line` or line, shortly."""
    name = re.search(r'loc\("([^"]+)"\)|"([^"]+)"\(', location)
    if name:
        return name[1] or name[2]
    file = re.search(r'"([^"]+)":(\d+)', location)
    if file:
        return f"line {file[2]}" if file[1] == "-" else f"{file[1]}:{file[2]}"
    return "an unknown location"


def shape_and_kind(type_: Any, op: Op) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Of a tensor type, or of a number's. Raises InputError."""
    text = str(type_)
    tensor = re.fullmatch(r"tensor<((?:\d+x|\?x)*)([^,]+)(?:,.*)?>", text)
    element = tensor[2] if tensor else text
    if element.startswith("!quant.uniform<"):
        element = element[15:].split(":")[0]
    kind = _TYPES.get(element)
    if kind is None:
        raise op.fault(f"has a value of type `{text}`, which is not read")
    sizes = tensor[1] if tensor else ""
    if "?" in sizes:
        raise op.fault(
            f"has a value of type `{text}`, whose shape is not fixed", "export with fixed shapes"
        )
    return tuple(map(int, sizes.split("x")[:-1])), np.dtype(kind)


def dense_values(attribute: Any, op: Op) -> Array:
    """Numbers of a dense, splat or resource attribute. Raises InputError."""
    if type(attribute).__name__ == "Attribute":  # torch-mlir has no class for resources
        return _resource(str(attribute), op)
    text_type = str(attribute.type)
    shape, kind = shape_and_kind(text_type, op)
    if kind.kind in "biufc" and text_type.find("xi48") < 0:
        try:
            found = np.array(attribute)
        except (TypeError, ValueError, RuntimeError):
            found = None
        if found is not None and getattr(attribute, "is_splat", False):
            return np.broadcast_to(found.reshape(-1)[:1].astype(kind).reshape(()), shape)
        if found is not None:
            return found.astype(kind).reshape(shape)
    match = _DENSE.match(str(attribute))
    if match is None:
        raise op.fault("holds numbers that are not read")
    return _from_text(match[1], shape, kind, op)


def _from_text(text: str, shape: tuple[int, ...], kind: np.dtype[Any], op: Op) -> Array:
    """Numbers as MLIR prints them: nested lists, one for all, or bytes in hexadecimal."""
    if text.startswith('"0x'):
        return np.frombuffer(bytes.fromhex(text[3:-1]), kind).reshape(shape)
    found = [_number(each) for each in re.findall(r"[^\s,\[\]]+", text)]
    if len(found) == 1:
        return np.broadcast_to(np.asarray(found[0]).astype(kind), shape)
    return np.array(found).astype(kind).reshape(shape)


def _number(word: str) -> float:
    return float(word == "true") if word in ("true", "false") else float(word)


def _resource(printed: str, op: Op) -> Array:
    match = _OF_RESOURCE.fullmatch(printed)
    if match is None:
        raise op.fault("holds numbers that are not read")
    if match[1] not in op.reading.resources:
        raise op.fault("holds a resource that the module lacks")
    shape, kind = shape_and_kind(match[2], op)
    data = op.reading.resources[match[1]]
    stored = np.dtype(np.uint8) if kind == np.bool_ else kind
    return np.frombuffer(data, stored).astype(kind).reshape(shape)


def resources_of(text: str) -> dict[str, bytes]:
    """By name, as printed: what stands at the end of a module's text, behind 4 of alignment."""
    start = text.find("dialect_resources")
    if start < 0:
        return {}
    found = _RESOURCE.findall(text, start)
    return {name: bytes.fromhex(data)[4:] for name, data in found}


def run_block(
    block: Any, values: dict[Any, Value], reading: Reading, stop: Any = None
) -> list[Value]:
    """Every operation in turn; what the terminator names, or `stop` where it is a value within."""
    import jax

    operations = [op.operation for op in block.operations]
    for handle in operations[:-1]:
        if stop is not None and stop in values:
            break
        op = Op(handle, reading, values)
        with jax.named_scope(_scope(op)):
            results = _results(op)
        if len(results) < len(handle.results):
            raise op.fault(f"has {len(handle.results)} results, this reader makes {len(results)}")
        values.update(zip(handle.results, results, strict=False))
    return [
        values[operand] for operand in ([stop] if stop is not None else operations[-1].operands)
    ]


def _laid(value: Value) -> Value:
    """A large value that is one number everywhere is made by the program, not kept by it."""
    import jax.numpy as jnp

    if isinstance(value, np.ndarray) and value.size > 4096 and not any(value.strides):
        return jnp.full(value.shape, value.flat[0], value.dtype)
    return value


def _scope(op: Op) -> str:
    place = (
        place_of(str(op.handle.location)) if "loc(unknown)" not in str(op.handle.location) else ""
    )
    place = "" if place.startswith(("line ", "an unknown")) else place
    return "".join(c if c.isalnum() or c in "_.-/" else "_" for c in place)[:120] or op.name


def _results(op: Op) -> Sequence[Value]:
    inputs = [_laid(op.values.get(operand)) for operand in op.handle.operands]
    handler = op.reading.handlers.get(op.name)
    if handler is None:
        if op.reading.opaque is not None:
            return op.reading.opaque(op, inputs)
        raise op.fault(
            "is not known to this reader", "`--allow-opaque` maps it as a black box of its bytes"
        )
    found = handled(op, handler, inputs)
    return found if isinstance(found, (list, tuple)) else (found,)


def handled(op: Op, handler: Handler, inputs: Sequence[Value] = ()) -> Any:
    """What the handler makes of an operation. Raises InputError where it can't."""
    try:
        return handler(op, *inputs)
    except BROKEN as error:
        first = " ".join(str(error).split())[:200]
        raise op.fault(f"can't be read: {first or type(error).__name__}") from error
