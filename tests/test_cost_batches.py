"""Kernels side by side in rows of nodes."""

from __future__ import annotations

import equinox as eqx
import jax
import numpy as np
import pytest
from cost_kernels import FOLDED, LOOP, MATMUL, SLICED, elementwise, matmul
from hypothesis import given
from hypothesis import strategies as st

from cosmalloc.cost_model.batches import (
    LONG,
    MOST_NODES,
    SHORT,
    Row,
    filled_rows,
    in_batches,
    pack,
    places,
)
from cosmalloc.cost_model.features import KernelGraph, graphs_of
from cosmalloc.cost_model.features.flat import flattened, trimmed
from cosmalloc.cost_model.features.words import KINDS
from cosmalloc.cost_model.network import Network

TEXTS = [MATMUL, LOOP, SLICED, elementwise(8), matmul(5), FOLDED]


def long_kernel(operations: int) -> KernelGraph:
    lines = "\n".join(
        f"  %{i + 1} = stablehlo.add %{i}, %{i} : tensor<4xf32>" for i in range(operations)
    )
    head = "func.func public @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
    first = "  %0 = stablehlo.cbrt %x : tensor<4xf32>\n"
    last = f"\n  return %{operations} : tensor<4xf32>\n}}"
    return graphs_of([head + first + lines + last])[0]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(1, 9))
def test_rows_hold_every_kernel_once_and_no_node_twice(sizes: list[int], most: int) -> None:
    nodes = np.array(sizes)
    rows = filled_rows(nodes, np.arange(len(sizes)), Row(40, most))
    assert sorted(rows.kernel.tolist()) == list(range(len(sizes)))
    taken = np.zeros((rows.total, 40), np.int64)
    for kernel, row, slot, first in zip(*rows[:4], strict=True):
        assert slot < most
        taken[row, first : first + nodes[kernel]] += 1
    assert taken.sum() == nodes.sum()
    assert taken.max(initial=0) <= 1


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40), st.integers(0, 9))
def test_parts_of_shuffled_rows_are_the_rows(sizes: list[int], seed: int) -> None:
    rows = filled_rows(np.array(sizes), np.arange(len(sizes)), Row(12, 3))
    mixed = rows.shuffled(np.random.default_rng(seed))
    parts = [mixed.part(start, start + 2) for start in range(0, rows.total, 2)]
    assert sum(part.total for part in parts) == rows.total
    again = [
        each for part in parts for each in zip(part.kernel, part.slot, part.first, strict=True)
    ]
    assert sorted(again) == sorted(zip(rows.kernel, rows.slot, rows.first, strict=True))


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=40))
def test_batches_hold_every_kernel_with_its_edges(texts: list[str]) -> None:
    graphs = graphs_of(texts)
    seen = []
    for kernels, there, batch in in_batches(flattened(graphs)):
        width = batch.whole.shape[1]
        for kernel, place in zip(kernels, there, strict=True):
            row, slot = divmod(int(place), width)
            mine = batch.owner[row] == slot
            seen.append(int(kernel))
            assert np.array_equal(batch.numbers[row][mine], graphs[kernel].numbers)
            pairs = np.argwhere(batch.edges[row][mine][:, mine])[:, ::-1]
            assert {tuple(p) for p in pairs} == {tuple(e) for e in graphs[kernel].edges.tolist()}
            assert not batch.edges[row][mine][:, ~mine].any()
    assert sorted(seen) == list(range(len(texts)))


def test_a_network_says_of_a_kernel_in_company_what_it_says_of_it_alone() -> None:
    graphs = graphs_of(TEXTS * 5)
    network = eqx.filter_jit(Network(8, 1, jax.random.key(0)))
    together = np.zeros(len(graphs))
    for kernels, there, batch in in_batches(flattened(graphs)):
        together[kernels] = np.asarray(network(batch).log_seconds)[there]
    for kernel in range(len(TEXTS)):
        ((_, there, batch),) = in_batches(flattened([graphs[kernel]]))
        alone = np.asarray(network(batch).log_seconds)[there]
        assert together[kernel] == pytest.approx(alone[0], abs=1e-4)


def test_a_graph_too_large_keeps_its_costliest_nodes() -> None:
    graph = long_kernel(MOST_NODES + 40)
    flat = trimmed(flattened([graphs_of([MATMUL])[0], graph]), MOST_NODES)
    assert flat.nodes.tolist() == [len(graphs_of([MATMUL])[0]), MOST_NODES]
    rows = filled_rows(flat.nodes, np.array([1]), LONG)
    batch = pack(flat, rows, LONG, 1)
    assert (batch.owner == 0).all()
    assert not (batch.kind[0] == KINDS.index("argument")).any()  # it costs nothing
    assert batch.edges[0].sum() == MOST_NODES - 1


def test_places_are_row_by_row() -> None:
    rows = filled_rows(np.array([20, 20, 12]), np.arange(3), SHORT)
    assert dict(zip(rows.kernel.tolist(), places(rows, SHORT).tolist(), strict=True)) == {
        0: 0,
        2: 1,
        1: SHORT.kernels,
    }
