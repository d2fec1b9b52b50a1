"""Groups by predicted seconds: legal, the same program, no slower by the model that was asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from jaxlib.mlir import ir
from program_strategies import programs

from cosmalloc.cost_model.grouping import group_by, group_module, group_text
from cosmalloc.cost_model.kernel import kernel_text, size_of
from cosmalloc.cost_model.prediction import Predictor
from cosmalloc.map_model import map_model, problem_of
from cosmalloc.passes import Pipeline, context, execute
from cosmalloc.passes.dataflow import Dataflow, dataflow
from cosmalloc.passes.group_merges import fuse
from cosmalloc.passes.group_search import Members, Price, legal_merges, merged, search, worth
from cosmalloc.passes.group_state import Groups, start
from cosmalloc.passes.grouping import Grouping, formed, group
from cosmalloc.passes.inline import kernels
from cosmalloc.passes.rules import Rules
from tests.command import cosmalloc
from tests.fake_cost import Fake, install
from tests.test_grouping import ARTIFACTS, arguments, check, prepared, results, ungrouped

QUICK = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
SLOW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
MODELS = ("cnn", "recurrent", "decode_step", "transformer_layer", "train_step")


def traffic(text: str) -> float:
    """Seconds by the bytes of operands and results: every legal merge gains."""
    return size_of(text)[1] * 1e-9


def lonely(text: str) -> float:
    """Seconds by the square of the text: no merge gains much."""
    return len(text) ** 2


def fickle(text: str) -> float:
    """Some merges gain and some do not, for no reason."""
    return (sum(text.encode()) % 97) * 1e-6


def grouped(module: ir.Module, predictor: Predictor) -> tuple[Dataflow, Grouping]:
    with module.context, module.operation.location:
        rules = Rules()
        flow = dataflow(context.entry(module.operation).regions[0].blocks[0], rules)
        return flow, group_by(flow, rules, predictor)


def state_of(module: ir.Module) -> Groups:
    rules = Rules()
    flow = dataflow(context.entry(module.operation).regions[0].blocks[0], rules)
    return start(flow, rules, share=True)


@pytest.mark.parametrize("seconds", [traffic, fickle])
@QUICK
@given(text=programs(most=16))
def test_groups_of_a_random_program_keep_to_the_rule(seconds: object, text: str) -> None:
    check(*grouped(prepared(text), Fake(seconds)), "single")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", MODELS)
def test_groups_of_a_model_keep_to_the_rule(name: str) -> None:
    check(*grouped(prepared(ARTIFACTS / f"{name}.mlirbc"), Fake(fickle)), "single")


@SLOW
@given(text=programs(most=12))
def test_inlined_again_the_kernels_compute_the_same(text: str) -> None:
    module = prepared(text)
    given = arguments(module, seed=0)
    before = results(module, given)
    group_module(module, Fake(fickle))
    between, after = results(module, given), results(ungrouped(module), given)
    for one, two, three in zip(before, between, after, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(three, one, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["cnn", "decode_step", "transformer_layer"])
def test_the_rule_s_merges_are_legal(name: str) -> None:
    """Undone and made again one by one, each in some order that is legal here."""
    module = prepared(ARTIFACTS / f"{name}.mlirbc")
    with module.context, module.operation.location:
        goal = state_of(module)
        fuse(goal)
        state = state_of(module)
        wanted = {frozenset(members) for members in goal.members.values()}
        while True:
            fitting = (
                (early, late)
                for early, late in legal_merges(state)
                if goal.root(early) == goal.root(late)
            )
            pair = next(fitting, None)
            if pair is None:
                break
            state.merge(*pair)
        assert {frozenset(members) for members in state.members.values()} == wanted


@pytest.mark.parametrize("name", ["cnn", "transformer_layer"])
def test_every_group_s_price_is_that_of_the_kernel_it_becomes(name: str) -> None:
    module = prepared(ARTIFACTS / f"{name}.mlirbc")
    fake = Fake(fickle)
    group_module(module, fake)
    asked = {text for call in fake.asked for text in call}
    formed_kernels = [kernel_text(f) for f in kernels(module.operation).values()]
    many = [text for text in formed_kernels if text.count("\n") > 4]
    assert many
    assert set(many) <= asked


def test_where_every_merge_gains_none_is_left() -> None:
    module = prepared(ARTIFACTS / "transformer_layer.mlirbc")
    with module.context, module.operation.location:
        state = state_of(module)
        before = len(state.members)
        search(state, lambda groups: [Price(1.0)] * len(groups))
        assert list(legal_merges(state)) == []
        assert len(state.members) < before


def test_where_no_merge_gains_every_operation_stays_apart() -> None:
    module = prepared(ARTIFACTS / "cnn.mlirbc")
    flow, found = grouped(module, Fake(lonely, spread=0.0))
    with module.context, module.operation.location:
        assert found == group(flow, Rules(), "single")


def test_a_search_gains_in_every_round_and_asks_about_a_group_once() -> None:
    module = prepared(ARTIFACTS / "transformer_layer.mlirbc")
    asked: list[tuple[int, ...]] = []
    with module.context, module.operation.location:
        totals = []
        for rounds in range(5):
            state = state_of(module)
            asked.clear()

            def price(groups: Sequence[Members], state: Groups = state) -> list[Price]:
                asked.extend(groups)
                texts = [group_text(state.flow, formed(state, group)) for group in groups]
                return [Price(fickle(text) + 1e-5) for text in texts]

            search(state, price, rounds=rounds)
            assert len(asked) == len(set(asked))
            groups = [tuple(sorted(state.members[r])) for r in state.members if not state.free[r]]
            totals.append(sum(each.seconds for each in price(groups)))
        assert totals == sorted(totals, reverse=True)
        assert totals[-1] < totals[0]


def test_a_merge_is_worth_what_it_saves_where_that_is_beyond_doubt() -> None:
    one, two = Price(5.0), Price(1.0)
    assert worth(one, two, Price(5.5), ruled=False) == 0.5
    assert worth(one, two, Price(5.5, spread=0.1), ruled=False) is None
    assert worth(one, two, Price(5.0, spread=0.1), ruled=False) == 1.0
    assert worth(one, two, Price(6.5), ruled=True) is None
    assert worth(one, two, Price(6.5, spread=0.1), ruled=True) == -0.5
    assert worth(one, two, Price(6.5, spread=0.1), ruled=False) is None


def test_a_kernel_does_not_get_quicker_by_doing_more() -> None:
    one, two = Price(5.0), Price(0.1)
    assert worth(one, two, Price(3.0), ruled=False) == pytest.approx(0.1)
    assert worth(one, two, Price(3.0, spread=0.1), ruled=False) is None


def test_a_price_that_nobody_knows_merges_nothing() -> None:
    known, unknown = Price(1.0), Price(float("nan"))
    for three in ((unknown, known, known), (known, unknown, known), (known, known, unknown)):
        assert worth(*three, ruled=True) is None
    assert worth(known, known, Price(1.0, float("inf")), ruled=False) == 1.0
    assert worth(known, known, Price(1.95, float("inf")), ruled=False) is None


def test_only_the_groups_that_are_named_merge() -> None:
    module = prepared(ARTIFACTS / "transformer_layer.mlirbc")
    with module.context, module.operation.location:
        state = state_of(module)
        early, late = next(legal_merges(state))
        search(state, lambda groups: [Price(1.0)] * len(groups), among=frozenset((early, late)))
        assert sum(len(members) > 1 for members in state.members.values()) == 1
        assert state.root(early) == late


def test_a_merge_has_the_operations_of_both() -> None:
    module = prepared(ARTIFACTS / "cnn.mlirbc")
    with module.context, module.operation.location:
        state = state_of(module)
        early, late = next(legal_merges(state))
        both = merged(state, early, late)
        state.merge(early, late)
        assert both == tuple(sorted(state.members[late]))


def test_a_model_is_mapped_by_learned_groups_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = install(monkeypatch, tmp_path, Fake(fickle))
    cnn = ARTIFACTS / "cnn.mlirbc"
    done = cosmalloc("map", cnn, "--group", "learned", "--cost", weights, "--check", "--json")
    assert done.code == 0, done.err
    assert done.json["check"]["good"]
    assert done.json["operators"] == len(
        problem_of(cnn, group="learned", cost=Fake(fickle)).operators
    )
    piped = context.clone(prepared(cnn))
    Pipeline.parse(f"group-operators{{policy=learned cost='{weights}'}}").run(piped)
    assert len(kernels(piped.operation)) == done.json["operators"]  # no two are alike


def test_the_roofline_groups_without_weights() -> None:
    mapped = map_model(ARTIFACTS / "cnn.mlirbc", group="learned", cost="roofline")
    assert {operator.compute_seconds for operator in mapped.problem.operators} == {None}
    module = mapped.module
    assert module is not None
    given = arguments(prepared(ARTIFACTS / "cnn.mlirbc"), seed=1)
    plain = map_model(ARTIFACTS / "cnn.mlirbc").module
    assert plain is not None
    for one, two in zip(execute(module, given), execute(plain, given), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)


def test_a_policy_that_is_not_there_says_which_are() -> None:
    done = cosmalloc("map", ARTIFACTS / "cnn.mlirbc", "--group", "best")
    assert done.code == 2
    assert done.err == (
        "error: --group is `best`\nhint: use `fuse` or `single` or `none` or `learned`\n"
    )
