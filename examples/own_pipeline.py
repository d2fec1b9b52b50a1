"""Use cosmalloc's passes in an MLIR pass manager of your own, among MLIR's passes and yours.

python examples/own_pipeline.py
"""

from pathlib import Path

from jaxlib.mlir.passmanager import PassManager

from cosmalloc.passes import GroupOperators, Inline, InsertTransfers, MapMemory, read_model

MODEL = Path(__file__).parent / "models" / "artifacts" / "cnn.mlirbc"


def print_kernels(module, _pass=None):
    """A pass of one's own: what `group-operators` made of the program."""
    for function in module.regions[0].blocks[0]:
        if "mem.kernel" in function.attributes:
            body = function.regions[0].blocks[0].operations
            print(function.attributes["sym_name"].value, "of", len(body) - 1, "operations")


module, name = read_model(MODEL)
with module.context:
    manager = PassManager("builtin.module")
    manager.add(Inline())
    manager.add("canonicalize,cse")
    manager.add(GroupOperators())
    manager.add(print_kernels)
    manager.add(MapMemory(target="npu-256kib", scratchpad="24KiB"))
    manager.add(InsertTransfers())
    manager.run(module.operation)
print(module)
