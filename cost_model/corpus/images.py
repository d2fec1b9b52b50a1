"""Families of networks on pictures, films, sounds and points, by name."""

from __future__ import annotations

from cosmalloc.cost_model.corpus.convolutional import inception, plain_cnn, squeezenet
from cosmalloc.cost_model.corpus.draw import Family
from cosmalloc.cost_model.corpus.residual import convnext, preact_resnet, resnet, resnext

IMAGES: dict[str, Family] = {
    family.__name__: family
    for family in (plain_cnn, resnet, preact_resnet, resnext, inception, squeezenet, convnext)
}
