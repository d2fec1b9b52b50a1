"""Which kernels lie within what a model has seen."""

from __future__ import annotations

import numpy as np
from cost_kernels import LOOP, MATMUL, SLICED, elementwise, matmul
from drawn_kernels import kernel_texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosmalloc.cost_model.domain import Domain, domain_of
from cosmalloc.cost_model.features import KernelGraph, flat_graphs_of, graphs_of
from cosmalloc.cost_model.features.words import KINDS, TYPES

SEEN = [*(matmul(rows) for rows in range(1, 9)), *(elementwise(2**k) for k in range(4, 9)), SLICED]


def holds(domain: Domain, graph: KernelGraph) -> bool:
    """The definition, one kernel at a time."""
    work, data = graph.costs[:, :2].sum(), graph.costs[:, 2:].sum()
    sizes = np.log1p([work, data, len(graph), len(graph.edges)])
    margin = np.log(4.0)
    return (
        {KINDS[i] for i in graph.kind} <= domain.kinds
        and {TYPES[i] for i in np.unique(graph.types)} <= domain.types
        and bool((sizes >= np.array(domain.least) - margin).all())
        and bool((sizes <= np.array(domain.most) + margin).all())
    )


NOTHING = """func.func public @main() -> tensor<f32> {
  %0 = stablehlo.constant dense<1.0> : tensor<f32>
  return %0 : tensor<f32>
}"""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.lists(kernel_texts(), max_size=2))
def test_all_at_once_is_the_same_as_one_by_one(drawn: list[str]) -> None:
    domain = domain_of(flat_graphs_of(SEEN))
    texts = [NOTHING, *drawn, MATMUL, LOOP, NOTHING, matmul(5000), *drawn, NOTHING]
    one_by_one = [holds(domain, graph) for graph in graphs_of(texts)]
    assert domain.holds(flat_graphs_of(texts)).tolist() == one_by_one


def test_a_domain_of_many_kernels_bounds_their_sizes() -> None:
    domain = domain_of(flat_graphs_of(SEEN))
    sizes = np.array([[len(graph), len(graph.edges)] for graph in graphs_of(SEEN)], np.float64)
    assert np.allclose(domain.least[2:], np.log1p(sizes.min(axis=0)))
    assert np.allclose(domain.most[2:], np.log1p(sizes.max(axis=0)))
    assert domain.holds(flat_graphs_of(SEEN[:8])).all()
