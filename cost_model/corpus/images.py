"""Families of networks on pictures, films, sounds and points, by name."""

from __future__ import annotations

from cosmalloc.cost_model.corpus.audio import spectral, temporal, wavenet
from cosmalloc.cost_model.corpus.cells import nas_cell
from cosmalloc.cost_model.corpus.convolutional import inception, plain_cnn, squeezenet
from cosmalloc.cost_model.corpus.dense import densenet
from cosmalloc.cost_model.corpus.detection import detector
from cosmalloc.cost_model.corpus.diffusion import diffusion_unet
from cosmalloc.cost_model.corpus.draw import Family
from cosmalloc.cost_model.corpus.generative import autoencoder, generator, super_resolution
from cosmalloc.cost_model.corpus.mobile import efficientnet, mobilenet, shufflenet
from cosmalloc.cost_model.corpus.multiscale import ghostnet, high_resolution, poolformer
from cosmalloc.cost_model.corpus.points import point_net
from cosmalloc.cost_model.corpus.residual import convnext, preact_resnet, regnet, resnet, resnext
from cosmalloc.cost_model.corpus.segmentation import pyramid, unet
from cosmalloc.cost_model.corpus.unfolding import mobilevit
from cosmalloc.cost_model.corpus.video import film

IMAGES: dict[str, Family] = {
    "plain_cnn": plain_cnn,
    "resnet": resnet,
    "preact_resnet": preact_resnet,
    "resnext": resnext,
    "mobilenet": mobilenet,
    "efficientnet": efficientnet,
    "densenet": densenet,
    "inception": inception,
    "squeezenet": squeezenet,
    "shufflenet": shufflenet,
    "unet": unet,
    "pyramid": pyramid,
    "nas_cell": nas_cell,
    "video": film,
    "convnext": convnext,
    "temporal": temporal,
    "super_resolution": super_resolution,
    "generator": generator,
    "diffusion_unet": diffusion_unet,
    "detector": detector,
    "point_net": point_net,
    "spectral": spectral,
    "autoencoder": autoencoder,
    "high_resolution": high_resolution,
    "ghostnet": ghostnet,
    "poolformer": poolformer,
    "wavenet": wavenet,
    "mobilevit": mobilevit,
    "regnet": regnet,
}
