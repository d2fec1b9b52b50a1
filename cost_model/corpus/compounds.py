"""Families of several networks, of volumes, of agents, of sets and with idle parts, by name."""

from __future__ import annotations

from cosmalloc.cost_model.corpus.codebooks import vq_vae
from cosmalloc.cost_model.corpus.draw import Family
from cosmalloc.cost_model.corpus.flow import optical_flow
from cosmalloc.cost_model.corpus.folded import folded
from cosmalloc.cost_model.corpus.mixed_attention import segformer
from cosmalloc.cost_model.corpus.pairing import contrastive
from cosmalloc.cost_model.corpus.policies import actor_critic
from cosmalloc.cost_model.corpus.segmentation import voxel
from cosmalloc.cost_model.corpus.sets import set_transformer

COMPOUNDS: dict[str, Family] = {
    "vq_vae": vq_vae,
    "contrastive": contrastive,
    "optical_flow": optical_flow,
    "actor_critic": actor_critic,
    "set_transformer": set_transformer,
    "voxel": voxel,
    "segformer": segformer,
    "folded": folded,
}
