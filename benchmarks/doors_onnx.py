"""ONNX's own tests of its operators, through the door and XLA:CPU.

    python -m benchmarks.doors_onnx

Each test is a model of one operator (or of the operators that it stands for), with inputs and the
outputs that the standard's reference says. Inputs but the first are constants where shapes depend
on them. Operators that the reader does not know are not counted. Needs `onnx`; ten minutes.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from typing import Any

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.passes.doors import Opening
from cosmalloc.passes.import_onnx import NEWEST, convert
from cosmalloc.passes.kernels import compile_module, run_compiled
from cosmalloc.passes.onnx.handlers import HANDLERS


def outcome(case: Any, onnx: Any) -> str:
    """`equal`, `refused` with a sentence, or `DIFFERENT`."""
    inputs, wanted = ([_array(each, onnx) for each in ends] for ends in case.data_sets[0])
    if any(each.dtype.kind not in "biufcV" for each in inputs):
        return "refused: texts, sequences and what is optional are no arrays"
    for keep in (len(inputs), 1):
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        for entry in model.opset_import:
            entry.version = min(entry.version, NEWEST)
        for info, value in list(zip(model.graph.input, inputs, strict=True))[keep:]:
            model.graph.initializer.append(onnx.numpy_helper.from_array(value, info.name))
        try:
            made = convert(model.SerializeToString(), "case", Opening(), None)
        except InputError as error:
            said = error.fact
            continue
        found = run_compiled(compile_module(made.module), [*inputs[:keep], *made.weights.values()])
        return "equal" if all(map(_equal, found, wanted)) else "DIFFERENT"
    return f"refused: {said}"


def _array(each: Any, onnx: Any) -> Any:
    """The standard holds element types that numpy lacks as protos."""
    return onnx.numpy_helper.to_array(each) if isinstance(each, onnx.TensorProto) else _numpy(each)


def _numpy(each: Any) -> Any:
    return np.empty(0, object) if isinstance(each, (list, type(None))) else np.asarray(each)


def _equal(mine: Any, theirs: Any) -> bool:
    if (mine.shape, mine.dtype) != (theirs.shape, theirs.dtype):
        return False
    left, right = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
    near = 2e-2 if mine.dtype.name == "bfloat16" else 1e-3
    return bool(np.allclose(left, right, near, 1e-5, equal_nan=True))


def main() -> int:
    warnings.simplefilter("ignore")  # some overflow, as they should
    import jax
    import onnx
    from onnx.backend.test.case.node import collect_testcases

    config: Any = jax.config
    config.update("jax_enable_x64", True)
    ends: Counter[str] = Counter()
    for case in collect_testcases(None):
        if any(node.op_type not in HANDLERS for node in case.model.graph.node):
            continue
        try:
            end = outcome(case, onnx)
        except (TypeError, ValueError) as error:  # element types that numpy or JAX lack
            end = f"refused: {error}"
        ends[end.partition(":")[0]] += 1
        if end != "equal":
            print(f"{case.name}: {end[:150]}", flush=True)
    print(", ".join(f"{count:,} {end}" for end, count in ends.items()))
    return int(ends["DIFFERENT"] > 0)


if __name__ == "__main__":
    sys.exit(main())
