"""The families without images by name."""

from __future__ import annotations

from cosmalloc.cost_model.corpus.algebra import linear_algebra
from cosmalloc.cost_model.corpus.attention import cross_attention, encoder, gpt, llama
from cosmalloc.cost_model.corpus.decoding import decode
from cosmalloc.cost_model.corpus.draw import Family
from cosmalloc.cost_model.corpus.elementwise import elementwise
from cosmalloc.cost_model.corpus.experts import experts
from cosmalloc.cost_model.corpus.exported import exported
from cosmalloc.cost_model.corpus.factors import deepfm
from cosmalloc.cost_model.corpus.fields import nerf
from cosmalloc.cost_model.corpus.forecasting import nbeats
from cosmalloc.cost_model.corpus.gating import gmlp
from cosmalloc.cost_model.corpus.graph import graph
from cosmalloc.cost_model.corpus.patches import mixer, vision_transformer
from cosmalloc.cost_model.corpus.quantised import quantised_mlp, quantised_transformer
from cosmalloc.cost_model.corpus.quantised_images import (
    quantised_cnn,
    quantised_mobile,
    quantised_separable,
)
from cosmalloc.cost_model.corpus.recurrent import gru, lstm
from cosmalloc.cost_model.corpus.retrieval import two_tower
from cosmalloc.cost_model.corpus.routing import capsule, conformer, perceiver
from cosmalloc.cost_model.corpus.scans import linear_attention, state_space
from cosmalloc.cost_model.corpus.tabular import dlrm, mlp
from cosmalloc.cost_model.corpus.time_mixing import rwkv
from cosmalloc.cost_model.corpus.training import train
from cosmalloc.cost_model.corpus.windows import swin

SEQUENCES: dict[str, Family] = {
    "encoder": encoder,
    "gpt": gpt,
    "llama": llama,
    "vision_transformer": vision_transformer,
    "decode": decode,
    "swin": swin,
    "mixer": mixer,
    "cross_attention": cross_attention,
    "linear_attention": linear_attention,
    "experts": experts,
    "mlp": mlp,
    "dlrm": dlrm,
    "lstm": lstm,
    "gru": gru,
    "graph": graph,
    "state_space": state_space,
    "nerf": nerf,
    "elementwise": elementwise,
    "linear_algebra": linear_algebra,
    "quantised_mlp": quantised_mlp,
    "quantised_cnn": quantised_cnn,
    "quantised_mobile": quantised_mobile,
    "quantised_transformer": quantised_transformer,
    "train_mlp": train(mlp),
    "train_encoder": train(encoder),
    "train_lstm": train(lstm),
    "train_graph": train(graph),
    "train_mixer": train(mixer),
    "exported": exported,
    "quantised_separable": quantised_separable,
    "train_llama": train(llama),
    "train_swin": train(swin),
    "conformer": conformer,
    "perceiver": perceiver,
    "capsule": capsule,
    "deepfm": deepfm,
    "gmlp": gmlp,
    "nbeats": nbeats,
    "two_tower": two_tower,
    "rwkv": rwkv,
}
