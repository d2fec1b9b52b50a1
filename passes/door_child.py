"""The process in which a foreign model is converted; see `doors.py`.

    python -m cosmalloc.passes.door_child FOLDER MEMORY

FOLDER holds `request.json` and the file `model`; behind it stand `module.mlirbc`, `weights.npz` and
`done.json`, or `fault.json`, and the exit code 0 or 2.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from time import process_time

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.passes.doors import Converted, Opening

_HOME = {"onnx": "import_onnx", "tflite": "import_tflite", "torch": "import_torch"}
_LIBRARIES = {
    "onnx": ("cosmalloc.passes.onnx.handlers",),
    "tflite": ("_tosa_converter_for_tflite_wrapper", "torch_mlir.ir"),
    "torch": ("torch", "torch_mlir.fx"),
    "mlir": ("torch_mlir.ir",),
}
_HOME |= {"mlir": "import_mlir", "hlo": "import_hlo"}


def main(words: list[str]) -> int:
    room, memory = Path(words[0]), int(words[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tempfile.tempdir = str(room)  # what a converter leaves behind goes with the folder
    request = json.loads((room / "request.json").read_text())
    path = Path(request["path"])
    stated = request["opening"]
    shapes = {
        name: tuple(shape) if isinstance(shape, list) else shape
        for name, shape in stated.pop("shapes").items()
    }
    try:
        module = importlib.import_module(f"cosmalloc.passes.{_HOME[request['door']]}")
        for library in ("jax.export", *_LIBRARIES.get(request["door"], ())):
            with suppress(ImportError):  # the door says what is missing
                importlib.import_module(library)
        begin = process_time()
        content = (room / "model").read_bytes()
        made = module.convert(content, str(path), Opening(shapes, **stated), path.parent)
        _write(room, made, begin)
    except InputError as error:
        return _fault(room, error.fact, error.hint)
    except MemoryError:
        return _fault(room, f"{path} needs more than {memory >> 20} MiB to be read", "")
    except RecursionError:
        return _fault(room, f"{path} is nested too deeply", "")
    return 0


def _write(room: Path, made: Converted, begin: float) -> None:
    (room / "module.mlirbc").write_bytes(made.module)
    values, kinds = {}, {}
    for index, (name, value) in enumerate(made.weights.items()):
        odd = value.dtype.kind not in "biufc"
        values[f"w{index}"] = value.view(f"u{value.dtype.itemsize}") if odd else value
        if odd:
            kinds[name] = value.dtype.name
    np.savez(room / "weights.npz", **values)  # type: ignore[arg-type]
    done = {
        "weights": list(made.weights),
        "kinds": kinds,
        "seconds": process_time() - begin,
        "converter": made.seconds,
    }
    (room / "done.json").write_text(json.dumps(done))


def _fault(room: Path, fact: str, hint: str) -> int:
    (room / "fault.json").write_text(json.dumps({"fact": fact, "hint": hint}))
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
