"""Small sound files for each door, to be damaged."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

DOORS = Path(__file__).parent.parent / "examples/doors"


def seeds(name: str) -> list[bytes]:
    """Files of one format; none where what makes them is not installed."""
    try:
        return _MAKERS[name]()
    except ImportError:
        return []


def _onnx() -> list[bytes]:
    from onnx import TensorProto, helper, numpy_helper

    dice = np.random.default_rng(0)
    weights = {
        "conv.weight": dice.standard_normal((4, 3, 3, 3), np.float32),
        "head.weight": dice.standard_normal((64, 4), np.float32),
        "minus": np.array([1, -1]),
    }
    then = helper.make_graph(
        [helper.make_node("Identity", ["e"], ["t"])],
        "then",
        [],
        [helper.make_tensor_value_info("t", TensorProto.FLOAT, [1, 4])],
    )
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight"], ["a"], "conv", pads=[1] * 4),
        helper.make_node("MaxPool", ["a"], ["c"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Reshape", ["c", "minus"], ["d"], "flat"),
        helper.make_node("MatMul", ["d", "head.weight"], ["e"], "head"),
        helper.make_node("ReduceMax", ["e"], ["m"], "most", keepdims=0),
        helper.make_node("Cast", ["m"], ["b"], "truth", to=TensorProto.BOOL),
        helper.make_node("If", ["b"], ["f"], "fork", then_branch=then, else_branch=then),
        helper.make_node("Softmax", ["f"], ["y"], "last"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(value, key) for key, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return [bytes(model.SerializeToString())]


def _bytecode() -> list[bytes]:
    from torch_mlir import ir

    found = []
    for text in (*_texts("tosa"), *_texts("linalg")):
        module = ir.Module.parse(text, ir.Context())
        out = io.BytesIO()
        module.operation.write_bytecode(out)
        found.append(out.getvalue())
    return found


def _texts(name: str) -> list[bytes]:
    import torch_mlir  # noqa: F401

    return [path.read_bytes() for path in sorted(DOORS.glob(f"*.{name}.mlir"))]


def _lowered() -> Any:
    import jax
    import jax.numpy as jnp

    shape: Any = jax.ShapeDtypeStruct((8, 8), jnp.float32)
    found: Any = jax.jit(lambda x, y: jnp.tanh(x @ y).sum(0)).lower(shape, shape).compiler_ir("hlo")
    return found


def _scheduled() -> bytes:
    import jax
    import jax.numpy as jnp

    shape: Any = jax.ShapeDtypeStruct((8, 8), jnp.float32)
    text: str = jax.jit(lambda x, y: jnp.tanh(x @ y) @ y).lower(shape, shape).compile().as_text()
    return text.encode()


def _torch() -> list[bytes]:
    import torch

    network = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU())
    out = io.BytesIO()
    torch.export.save(torch.export.export(network.eval(), (torch.zeros(1, 8),)), out)
    return [out.getvalue()]


def _stablehlo() -> list[bytes]:
    import jax
    import jax.numpy as jnp
    from jax import export

    def network(x: Any, y: Any) -> Any:
        return jax.lax.fori_loop(0, 3, lambda _, z: jnp.tanh(z @ y), x).sum(0)

    shape: Any = jax.ShapeDtypeStruct((8, 8), jnp.float32)
    found = export.export(jax.jit(network))(shape, shape)
    text = str(found.mlir_module()).encode()
    return [text, found.mlir_module_serialized]


_MAKERS = {
    "stablehlo": _stablehlo,
    "onnx": _onnx,
    "tflite": lambda: [],
    "torch": _torch,
    "tosa": lambda: _texts("tosa"),
    "linalg": lambda: _texts("linalg"),
    "bytecode": _bytecode,
    "hlo": lambda: [_lowered().as_serialized_hlo_module_proto()],
    "hlotext": lambda: [_lowered().as_hlo_text().encode(), _scheduled()],
}
