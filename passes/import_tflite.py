"""TFLite files as StableHLO, by way of TOSA: Arm's tosa-converter-for-tflite makes it.

Dimensions that the file leaves open are those of its `shape`s (`tflite_shapes.py`). The converter
ends the process on some files; this one is a child (`doors.py`). Large constants become arguments
`params['const_N']`.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from cosmalloc.errors import InputError
from cosmalloc.passes.doors import Converted, Opening
from cosmalloc.passes.foreign import INSTALL
from cosmalloc.passes.import_mlir import from_mlir
from cosmalloc.passes.tflite_shapes import fixed


def convert(content: bytes, name: str, opening: Opening, folder: Path | None) -> Converted:
    """The module of a TFLite file. Raises InputError."""
    if opening.shapes:
        raise InputError(f"--shape was given, and the shapes in {name} are fixed")
    try:
        from _tosa_converter_for_tflite_wrapper import (
            TosaConverterDebugInfo,
            TosaConverterOutputFormat,
            tflite_flatbuffer_to_tosa_mlir,
        )
    except ImportError:
        raise InputError(
            f"{name} is read by tosa-converter-for-tflite, which is not installed", INSTALL
        ) from None
    begin = process_time()
    with TemporaryDirectory() as room:
        model, made = Path(room) / "model.tflite", Path(room) / "tosa.mlir"
        model.write_bytes(fixed(content))
        form, places = TosaConverterOutputFormat.Text, TosaConverterDebugInfo.Enable
        try:
            tflite_flatbuffer_to_tosa_mlir(str(model), str(made), form, places)
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            first = " ".join(str(error).split())[:200]
            raise InputError(f"{name} is not a model that its converter knows: {first}") from None
        text = made.read_bytes() if made.exists() else b""
    if not text:
        raise InputError(f"{name} is not a model that its converter knows")
    return from_mlir(text, name, opening, lift=True, seconds=process_time() - begin)
