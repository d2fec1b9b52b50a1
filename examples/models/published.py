"""What others say that the networks weigh, and how our definitions compare.

*torchvision*: `num_params` of its weights; its segmentation networks hold an auxiliary head of
2,365,205 parameters that only trains, taken off here. *Keras*: trainable parameters of
`keras.applications`. *paper*: the table of the paper that a model's file names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax

from examples.models.export import load


@dataclass(frozen=True)
class Published:
    parameters: str  # `7,978,856`, or rounded, `5.1 M`
    source: str
    remark: str = ""  # why ours differ


PUBLISHED = {
    "amoebanet_d": Published(
        "", "paper", "no mobile D is published; `shapes(18, 208)`: as GPipe's"
    ),
    "darts": Published("4.7 M", "paper"),
    "deeplabv3_resnet50": Published("39,638,869", "torchvision"),
    "densenet121": Published("7,978,856", "torchvision"),
    "fcn_resnet50": Published("32,957,013", "torchvision"),
    "lraspp_mobilenet_v3": Published("3,221,538", "torchvision"),
    "mobilenet_v2": Published("3,504,872", "torchvision"),
    "nasnet_a_mobile": Published("5,289,978", "Keras"),
    "pnasnet5_mobile": Published("5.1 M", "paper"),
    "r2plus1d_18": Published("31,505,325", "torchvision"),
    "resnet50": Published("25,557,032", "torchvision"),
    "resnext50": Published("25,028,904", "torchvision"),
    "s3d": Published("8,320,048", "torchvision"),
    "transformer_base": Published(
        "65 M", "paper", "one table of 37,000 words for both languages and the output"
    ),
    "vit_b16": Published("86,567,656", "torchvision"),
}


def parameters(name: str) -> int:
    """Numbers in the parameters of the model `name`."""
    _, (params, *_) = load(name)
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


def agrees(count: int, published: str) -> bool:
    """Whether a count is the published figure, to the digits that it has."""
    if not published.endswith(" M"):
        return f"{count:,}" == published
    digits = len(published.removesuffix(" M").partition(".")[2])
    return f"{count / 1e6:.{digits}f} M" == published
