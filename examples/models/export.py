"""Write the example models as portable StableHLO artifacts.

    python -m examples.models.export [NAME ...]

An artifact is what `jax.export` serialises, with less in its locations: an operation keeps the path
of scopes it came from (`jit(unet)/down0/conv_general_dilated`) and loses files and line numbers, so
that the same program gives the same bytes everywhere. Arguments keep their names
(`params['stem']['w']`, `image`): each is the location of an argument of `@main`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import jax
import jax.export
from jax.interpreters import mlir
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from examples.models.layers import Model

ARTIFACTS = Path(__file__).parent / "artifacts"
NAMES = (
    "amoebanet_d",
    "bert_base",
    "cnn",
    "darts",
    "decode_step",
    "deeplabv3_resnet50",
    "densenet121",
    "fcn_resnet50",
    "gpt2_small",
    "lraspp_mobilenet_v3",
    "mlp",
    "mobilenet_v2",
    "nasnet_a_mobile",
    "pnasnet5_mobile",
    "r2plus1d_18",
    "recurrent",
    "resnet50",
    "resnext50",
    "s3d",
    "train_step",
    "transformer_base",
    "transformer_layer",
    "unet",
    "vit_b16",
)
PORTABLE_VERSION = "1.9.0"  # of StableHLO: old enough for readers of the last two years


def load(name: str) -> Model:
    """The function and the argument shapes of the model `name`."""
    if name not in NAMES:
        raise SystemExit(f"error: no example model `{name}`\nhint: one of {', '.join(NAMES)}")
    found: Model = importlib.import_module(f"examples.models.{name}").model()
    return found


def export(name: str) -> jax.export.Exported:
    function, arguments = load(name)
    jitted: Any = function if hasattr(function, "lower") else jax.jit(function)
    return jax.export.export(jitted)(*arguments)


def artifact(name: str) -> bytes:
    """The bytes of `artifacts/<name>.mlirbc` as this version of JAX makes them."""
    return portable(export(name))


def portable(exported: jax.export.Exported) -> bytes:
    """The portable artifact of an exported function, without files and line numbers."""
    module = parse(exported.mlir_module_serialized)
    _drop_files(module)
    return bytes(stablehlo.serialize_portable_artifact(module, PORTABLE_VERSION))


def parse(data: bytes) -> ir.Module:
    return stablehlo.deserialize_portable_artifact(mlir.make_ir_context(), data)


def _drop_files(module: ir.Module) -> None:
    def visit(operation: ir.Operation) -> ir.WalkResult:
        operation.location = _name_only(operation.location)
        for region in operation.regions:
            for block in region.blocks:
                for argument in block.arguments:
                    argument.set_location(_name_only(argument.location))
        return ir.WalkResult.ADVANCE

    with module.context:
        module.operation.walk(visit)


def _name_only(location: ir.Location) -> ir.Location:
    if isinstance(location, ir.NameLoc):
        return ir.Location.name(location.name_str)
    return ir.Location.unknown()


def main(names: list[str]) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    for name in names or NAMES:
        data = artifact(name)
        (ARTIFACTS / f"{name}.mlirbc").write_bytes(data)
        print(f"{name}.mlirbc {len(data):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
