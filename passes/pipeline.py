"""Pipelines of passes, written as MLIR writes them: `inline,group-operators{policy=none}`.

Names that are not ours go to MLIR's own pass manager, so `canonicalize,cse` work too.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, get_args, get_type_hints

from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo
from jaxlib.mlir.passmanager import PassManager

from cosmalloc.errors import InputError
from cosmalloc.passes.diagnostics import listening
from cosmalloc.passes.pass_base import ModulePass
from cosmalloc.passes.registry import passes

_OPTION = re.compile(r"([A-Za-z][\w-]*)=('[^']*'|\"[^\"]*\"|[^\s'\"]+)(?:\s+|$)")


@dataclass(frozen=True)
class Upstream(ModulePass):
    """A pass, or a piece of a pipeline, of MLIR's own."""

    argument: ClassVar[str] = "upstream"
    text: str = ""

    def manager(self, context: ir.Context) -> PassManager:
        """MLIR's pass manager for the text. Raises InputError."""
        stablehlo.register_stablehlo_passes()
        for wrapped in (self.text, f"func.func({self.text})"):
            try:
                return PassManager.parse(f"builtin.module({wrapped})", context)
            except (ValueError, ir.MLIRError):
                continue
        known = ", ".join(f"`{name}`" for name in passes())
        raise InputError(
            f"there is no pass `{self.text}`", f"ours are {known}; MLIR's and StableHLO's work too"
        )

    def run(self, module: ir.Operation) -> None:
        manager = self.manager(module.context)
        with listening(module.context) as said:
            try:
                manager.run(module)
            except (ir.MLIRError, ValueError):
                why = said[0] if said else "MLIR does not say why"
                raise InputError(f"pass `{self.text}` failed: {why}") from None


@dataclass(frozen=True)
class Pipeline:
    """Passes that run one after the other; the verifier runs after each."""

    stages: tuple[ModulePass, ...]

    @classmethod
    def parse(cls, text: str) -> Pipeline:
        """`name{option=value option=value},name`. Raises InputError."""
        return cls(tuple(_parse_stage(stage) for stage in _split(text)))

    def run(self, module: ir.Module) -> ir.Module:
        """Change `module` in place, and return it. Raises InputError."""
        for stage in self.stages:
            stage(module.operation)
            try:
                module.operation.verify()
            except ir.MLIRError as error:  # a bug of ours, not of the user
                raise RuntimeError(f"pass `{stage}` left a broken module: {error}") from error
        return module


def _split(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for index, letter in enumerate(text):
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(letter, 0)
        if depth < 0:
            raise InputError(f"the pipeline `{text}` closes a bracket at {index} that none opened")
        if letter == "," and depth == 0:
            yield text[start:index].strip()
            start = index + 1
    if depth:
        raise InputError(f"the pipeline `{text}` ends inside a bracket")
    if text[start:].strip():
        yield text[start:].strip()


def _parse_stage(text: str) -> ModulePass:
    name, _, options = text.partition("{")
    name = name.strip()
    if name not in passes():
        if not name:
            raise InputError("the pipeline has an empty pass name")
        Upstream(text).manager(ir.Context())
        return Upstream(text)
    kind = passes()[name]
    return kind(**_options(kind, options.removesuffix("}").strip(), name))


def _options(kind: type[ModulePass], text: str, name: str) -> dict[str, Any]:
    hints = get_type_hints(kind)
    known = {f.name.replace("_", "-"): hints[f.name] for f in dataclasses.fields(kind)}
    found: dict[str, Any] = {}
    rest = text
    while rest:
        match = _OPTION.match(rest)
        if match is None:
            raise InputError(
                f"pass `{name}` can't read options `{rest}`", "write key=value key=value"
            )
        key, value = match[1].replace("_", "-"), match[2].strip("'\"")
        if key not in known:
            words = ", ".join(known) or "none"
            raise InputError(f"pass `{name}` has no option `{key}`", f"its options: {words}")
        found[key.replace("-", "_")] = _convert(value, known[key], f"pass `{name}`, option `{key}`")
        rest = rest[match.end() :]
    return found


def _convert(value: str, hint: Any, place: str) -> Any:
    kinds = {type(a) if not isinstance(a, type) else a for a in get_args(hint)} or {hint}
    if bool in kinds:
        if value in ("true", "false"):
            return value == "true"
        raise InputError(f"{place} is `{value}`", "use `true` or `false`")
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(value)
            except ValueError:
                if str not in kinds:
                    raise InputError(f"{place} is `{value}`, not a number") from None
    return value
