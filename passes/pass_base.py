"""What a pass is: a frozen value whose fields are its options.

A pass runs on a module's operation and changes it in place. It runs by itself (`run`), in a
`Pipeline`, or in MLIR's own pass manager: `pass_manager.add(GroupOperators())`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from jaxlib.mlir import ir

from cosmalloc.errors import InputError


@dataclass(frozen=True)
class ModulePass:
    """One pass. argument: its name in a pipeline's text."""

    argument: ClassVar[str]

    @property
    def __name__(self) -> str:
        """What MLIR's pass manager calls it."""
        return self.argument

    def run(self, module: ir.Operation) -> None:
        """Change `module`, the operation of a `builtin.module`. Raises InputError."""
        raise NotImplementedError

    def __call__(self, operation: Any, _external_pass: Any = None) -> None:
        """Run as a callable of MLIR's pass manager, which hands over each operation it is at."""
        module = operation.operation
        if module.name != "builtin.module":
            raise InputError(f"pass `{self.argument}` runs on a module, not on `{module.name}`")
        with module.context, module.location:
            self.run(module)
