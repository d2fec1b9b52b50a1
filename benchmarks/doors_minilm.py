"""MiniLM-L6 as a torch module that takes the names of its trained file, exported to `.pt2`.

    python -m benchmarks.doors_minilm model.safetensors minilm.pt2

A BERT encoder (Devlin et al. 2018) of 6 layers, 384 wide, 12 heads; one sequence of 128 tokens in,
the mean of the last layer over the sequence out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

LAYERS, WIDTH, HEADS, INNER, WORDS, PLACES, TOKENS = 6, 384, 12, 1536, 30522, 512, 128


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.self = nn.ModuleDict({n: nn.Linear(WIDTH, WIDTH) for n in ("query", "key", "value")})
        self.output = Output(WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            self.self[n](x).reshape(1, TOKENS, HEADS, -1).transpose(1, 2)
            for n in ("query", "key", "value")
        )
        weights = torch.softmax(q @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5, -1)
        return self.output((weights @ v).transpose(1, 2).reshape(1, TOKENS, WIDTH), x)


class Output(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, WIDTH)
        self.LayerNorm = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return self.LayerNorm(self.dense(x) + skip)


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(WIDTH, INNER)})
        self.output = Output(INNER)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.attention(x)
        return self.output(nn.functional.gelu(self.intermediate["dense"](x)), x)


class MiniLM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(WORDS, WIDTH),
                "position_embeddings": nn.Embedding(PLACES, WIDTH),
                "token_type_embeddings": nn.Embedding(2, WIDTH),
                "LayerNorm": nn.LayerNorm(WIDTH, eps=1e-12),
            }
        )
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer() for _ in range(LAYERS))})

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tables = self.embeddings
        x = tables["word_embeddings"](tokens) + tables["token_type_embeddings"].weight[0]
        x = tables["LayerNorm"](x + tables["position_embeddings"].weight[:TOKENS])
        for layer in self.encoder["layer"]:
            x = layer(x)
        return x.mean(1)


def minilm(weights: Path) -> MiniLM:
    """The trained network."""
    from safetensors.torch import load_file

    network = MiniLM().eval()
    stored: dict[str, Any] = load_file(weights)
    known = network.state_dict()
    network.load_state_dict({name: stored[name] for name in known})
    return network


def export(weights: Path, out: Path) -> None:
    tokens = torch.zeros(1, TOKENS, dtype=torch.int64)
    torch.export.save(torch.export.export(minilm(weights), (tokens,)), out)


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]))
