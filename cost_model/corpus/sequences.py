"""The families without images by name."""

from __future__ import annotations

from cosmalloc.cost_model.corpus.attention import cross_attention, encoder, gpt, llama
from cosmalloc.cost_model.corpus.draw import Family
from cosmalloc.cost_model.corpus.recurrent import gru, lstm
from cosmalloc.cost_model.corpus.tabular import dlrm, mlp
from cosmalloc.cost_model.corpus.training import train

SEQUENCES: dict[str, Family] = {
    "encoder": encoder,
    "gpt": gpt,
    "llama": llama,
    "cross_attention": cross_attention,
    "mlp": mlp,
    "dlrm": dlrm,
    "lstm": lstm,
    "gru": gru,
    "train_mlp": train(mlp),
    "train_encoder": train(encoder),
    "train_lstm": train(lstm),
}
