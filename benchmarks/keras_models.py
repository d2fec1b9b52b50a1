"""Networks of `keras.applications` as portable StableHLO artifacts, weights as arguments.

    pip install 'cosmalloc[bench]'
    python -m benchmarks.keras_models [--cache FOLDER] [NAME ...]

Keras 3 with its JAX backend, `weights=None`, batch 1, inference. A parameter is called by its path
in Keras (`params['conv1_conv/kernel']`), the input is `image`. What was exported once with the same
versions is taken from the cache folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.export

from examples.models.export import portable

NAMES = ("ResNet50", "MobileNetV2", "DenseNet121", "EfficientNetB0", "NASNetMobile")
CACHE = Path("out/keras")


def keras_artifact(name: str, cache: Path = CACHE) -> Path:
    """The artifact of `keras.applications.<name>` in the folder `cache`, exported if need be."""
    stamp = f"keras{version('keras')}-jax{jax.__version__}"
    path = cache / f"{name}-{stamp}.mlirbc"
    if not path.exists():
        data = portable(_export(name))
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(data)
        part.rename(path)
    return path


def _export(name: str) -> jax.export.Exported:
    os.environ["KERAS_BACKEND"] = "jax"  # read once, when keras is imported
    import keras

    network: Any = getattr(keras.applications, name)(weights=None)
    trained, others = network.trainable_variables, network.non_trainable_variables
    params = {v.path: jax.ShapeDtypeStruct(v.shape, v.dtype) for v in (*trained, *others)}
    if len(params) != len(trained) + len(others):
        raise RuntimeError(f"two variables of {name} have one path")
    image = jax.ShapeDtypeStruct((1, *network.inputs[0].shape[1:]), "float32")

    def forward(params: dict[str, jax.Array], image: jax.Array) -> jax.Array:
        values = ([params[v.path] for v in group] for group in (trained, others))
        result, _ = network.stateless_call(*values, image, training=False)
        return result

    forward.__name__ = name.lower()
    return jax.export.export(jax.jit(forward))(params, image)


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {' '.join(NAMES)}")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder (default: %(default)s)")
    options = parser.parse_args(words)
    for name in options.names or NAMES:
        if name not in NAMES:
            parser.error(f"no network `{name}`; known: {', '.join(NAMES)}")
        print(keras_artifact(name, options.cache))


if __name__ == "__main__":
    main(sys.argv[1:])
