"""Predicted seconds reach problems, plans and timelines, by every command that has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cosmalloc.cost_model import choose
from cosmalloc.cost_model.cached import Cached
from cosmalloc.cost_model.kernel import operator_kernels
from cosmalloc.cost_model.operators import by_roofline, costed
from cosmalloc.cost_model.prediction import Prediction
from cosmalloc.cost_model.roofline import ordinary
from cosmalloc.cost_model.roofline_predictor import RooflinePredictor
from cosmalloc.errors import InputError
from cosmalloc.interchange import read_problem
from cosmalloc.map_model import PREPARE, costed_problem_of, map_model, problem_of
from cosmalloc.passes import Pipeline, Reading, extract, read_model, read_plan
from cosmalloc.recost import difference, recosted
from cosmalloc.simulate import simulate
from cosmalloc.target_file import load_target
from tests.command import cosmalloc
from tests.fake_cost import LAUNCH, Fake, install

ARTIFACTS = Path(__file__).parent.parent / "examples/models/artifacts"
CNN, MLP = ARTIFACTS / "cnn.mlirbc", ARTIFACTS / "mlp.mlirbc"


def milliseconds(text: str) -> float:
    return len(text) * 1e-3


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return install(monkeypatch, tmp_path, Fake(milliseconds, strange="reduce_window"))


def test_an_operator_takes_what_its_kernel_takes_without_the_launch() -> None:
    fake = Fake(milliseconds)
    module, _ = read_model(CNN)
    Pipeline.parse(f"{PREPARE},group-operators").run(module)
    with module.context, module.operation.location:
        program = extract(module.operation, load_target("npu-2mib"), Reading(), "cnn")
        found = costed(program, fake)
        texts = operator_kernels(program)
    seconds = [operator.compute_seconds for operator in found.problem.operators]
    assert seconds == pytest.approx([milliseconds(text) for text in texts])
    assert by_roofline(found.problem) == program.problem
    assert len(fake.asked) == 1
    assert len(fake.asked[0]) == len(set(texts))


def test_a_kernel_quicker_than_the_launch_takes_no_time() -> None:
    problem = problem_of(MLP, cost=Fake(lambda _: -1e-7))
    assert {operator.compute_seconds for operator in problem.operators} == {0.0}


def test_a_kernel_is_asked_about_once() -> None:
    fake = Fake(milliseconds, strange="bb")
    cached = Cached(fake)
    first = cached.predict(["a", "bb", "a"])
    second = cached.predict(["ccc", "bb"])
    assert fake.asked == [["a", "bb"], ["ccc"]]
    assert list(first.seconds) == pytest.approx([LAUNCH + n * 1e-3 for n in (1, 2, 1)])
    assert list(second.inside) == [True, False]
    assert cached.predict([]).seconds.shape == (0,)
    assert (cached.name, cached.launch_seconds) == (fake.name, LAUNCH)


class Choosy(Fake):
    """Refuses every batch with a pooling in it."""

    def predict(self, kernels: Sequence[str]) -> Prediction:
        if any("reduce_window" in text for text in kernels):
            raise InputError("pooling is beyond me")
        return super().predict(kernels)


def test_a_kernel_that_can_t_be_read_counts_by_the_target_s_rates() -> None:
    for group in ("fuse", "learned"):
        found = costed_problem_of(CNN, group=group, cost=Cached(Choosy(milliseconds)))
        for index, operator in enumerate(found.problem.operators):
            strange = operator.kind == "reduce_window"
            assert (operator.compute_seconds is None) == strange
            assert (index in found.outside) == strange


def test_the_plan_s_timeline_and_the_mapped_module_have_the_predicted_seconds() -> None:
    plain = map_model(CNN, objective="latency")
    mapped = map_model(CNN, objective="latency", cost=Fake(milliseconds))
    least = sum(operator.compute_seconds or 0 for operator in mapped.problem.operators)
    assert mapped.timeline.latency >= least > 10 * plain.timeline.latency
    assert mapped.outcome.value == pytest.approx(mapped.timeline.latency)
    assert mapped.module is not None
    assert read_plan(mapped.module)[0] == mapped.problem
    assert {operator.compute_seconds for operator in plain.problem.operators} == {None}


def test_a_fitted_roofline_predicts_more_for_more_work() -> None:
    kind = "func.func @main(%a: tensor<{0}x{0}xf32>) -> tensor<{0}x{0}xf32> {{\n"
    body = "%0 = stablehlo.dot_general %a, %a, contracting_dims = [1] x [0] : "
    types = "(tensor<{0}x{0}xf32>, tensor<{0}x{0}xf32>) -> tensor<{0}x{0}xf32>\n"
    end = "return %0 : tensor<{0}x{0}xf32>\n}}\n"
    found = RooflinePredictor(ordinary())
    kernels = [(kind + body + types + end).format(size) for size in (16, 64, 256)]
    said = found.predict(kernels)
    assert list(said.seconds) == sorted(said.seconds)
    assert said.seconds[0] > found.launch_seconds
    assert said.inside.all()
    assert np.isinf(said.spread).all()
    assert found.predict([]).seconds.shape == (0,)


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("learned:h200", "no weights for `h200` are shipped"),
        ("physics", "there is no cost model `physics`"),
        ("gone.safetensors", "there are no weights at gone.safetensors"),
    ],
)
def test_a_name_without_a_model_says_what_there_is(name: str, fact: str) -> None:
    with pytest.raises(InputError, match=fact) as error:
        choose.predictor_named(name)
    assert error.value.hint
    done = cosmalloc("map", CNN, "--cost", name)
    assert done.code == 2
    assert done.err.startswith(f"error: {fact}")


def test_map_says_whose_seconds_and_which_operators_are_strange(
    weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / "p.json"
    done = cosmalloc("map", CNN, "--cost", weights, "--problem", path, "--json")
    assert done.code == 0, done.err
    cost = done.json["cost"]
    assert cost["name"] == "learned:fake"
    assert cost["outside"] == ["reduce_window_1"]
    operators = read_problem(path).operators
    assert done.err == (
        "unlike what `learned:fake` learned from, so with a roofline's seconds:"
        f" 1 of {len(operators)} operators (reduce_window_1)\n"
    )
    assert all((operator.compute_seconds or 0) > 0 for operator in operators)
    done = cosmalloc("map", CNN, "--json")
    assert done.json["cost"] == {"name": "roofline", "outside": []}
    assert done.err == ""


def test_compare_solve_and_simulate_take_the_cost_of_the_model_s_kernels(
    weights: Path, tmp_path: Path
) -> None:
    problem, plan = tmp_path / "p.json", tmp_path / "plan.json"
    assert cosmalloc("map", CNN, "--problem", problem, "--plan", plan).code == 0
    words = ("--cost", weights, "--kernels", CNN, "--json")
    plain = cosmalloc("simulate", problem, plan, "--json").json
    learned = cosmalloc("simulate", problem, plan, *words)
    assert learned.json["latency"] > 10 * plain["latency"]
    assert plain["cost"]["name"] == "problem"
    assert learned.json["cost"]["name"] == "learned:fake"
    assert "unlike what `learned:fake`" in learned.err
    latency = problem_of(CNN, cost=Fake(milliseconds))
    solved = cosmalloc("solve", problem, *words, "--problem", tmp_path / "q.json")
    assert solved.json["latency_seconds"] > 10 * plain["latency"]
    assert read_problem(tmp_path / "q.json").operators == latency.operators
    for source in ((problem, *words), (CNN, "--cost", weights, "--json")):
        done = cosmalloc("compare", *source, "--only", "greedy", "--seconds", 1)
        assert done.code == 0, done.err
        assert done.json["rows"][0]["latency"] > 10 * plain["latency"]
        assert done.json["cost"]["name"] == "learned:fake"


def test_the_roofline_takes_a_problem_s_own_seconds_away(weights: Path, tmp_path: Path) -> None:
    problem, plan = tmp_path / "p.json", tmp_path / "plan.json"
    words = ("map", CNN, "--cost", weights, "--problem", problem, "--plan", plan)
    assert cosmalloc(*words).code == 0
    own = cosmalloc("simulate", problem, plan, "--json").json
    bare = cosmalloc("simulate", problem, plan, "--cost", "roofline", "--json").json
    assert bare["latency"] < own["latency"] / 10
    found = read_problem(problem)
    assert bare["latency"] == simulate(by_roofline(found), map_model(CNN).plan).latency
    assert by_roofline(replace(found, target=replace(found.target, flops_per_second=None))) == (
        replace(found, target=replace(found.target, flops_per_second=None))
    )


def test_operators_are_found_however_they_were_formed() -> None:
    fake = Fake(milliseconds)
    for group in ("fuse", "single", "none"):
        problem = problem_of(MLP, group=group, bytes_per_element=1)
        found = recosted(problem, "roofline")
        assert found.problem == problem
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(choose, "predictor_named", lambda _: fake)
            found = recosted(problem, "learned:cpu", MLP)
        told = problem_of(MLP, group=group, cost=fake)
        assert [o.compute_seconds for o in found.problem.operators] == [
            o.compute_seconds for o in told.operators
        ]


def test_kernels_of_another_model_are_refused(weights: Path, tmp_path: Path) -> None:
    problem = tmp_path / "p.json"
    assert cosmalloc("map", CNN, "--problem", problem).code == 0
    done = cosmalloc("solve", problem, "--cost", weights, "--kernels", MLP)
    assert done.code == 2
    assert f"{MLP} is not what problem `cnn` was made from: the problem has 6 op" in done.err
    done = cosmalloc("solve", problem, "--cost", weights)
    assert "predicts kernels, and a problem's file holds none" in done.err
    done = cosmalloc("solve", problem, "--kernels", CNN)
    assert "`--kernels` was given, and no cost model that reads kernels" in done.err
    done = cosmalloc("compare", CNN, "--kernels", CNN)
    assert "`--kernels` is for a problem's JSON" in done.err


def test_problems_differ_by_count_kind_and_operands() -> None:
    one = problem_of(CNN)
    assert difference(one, one) == ""
    operators = list(one.operators)
    operators[2] = replace(operators[2], kind="sine")
    assert difference(replace(one, operators=tuple(operators)), one).startswith(
        "operator 2 is a `sine`"
    )
    first = operators[0]
    swapped = {"inputs": first.inputs[::-1], "input_bytes_accessed": first.input_bytes_accessed}
    operators = [replace(first, **swapped), *one.operators[1:]]
    assert "has other operands" in difference(replace(one, operators=tuple(operators)), one)


def test_scheduled_hlo_has_no_kernels_to_predict(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "p.txt"
    path.write_text(
        "HloModule m, is_scheduled=true\n\nENTRY %main (p: f32[8]) -> f32[8] {\n"
        "  %p = f32[8]{0} parameter(0)\n  ROOT %n = f32[8]{0} negate(f32[8]{0} %p)\n}\n"
    )
    done = cosmalloc("map", path, "--cost", weights)
    assert done.code == 2
    assert "scheduled HLO holds no kernels" in done.err


def test_seconds_that_are_no_number_are_refused() -> None:
    from cosmalloc.passes import context

    mapped = map_model(MLP, cost=Fake(milliseconds))
    text = mapped.text()
    assert "mem.seconds = " in text
    broken = re.sub(r"mem.seconds = [^ ]+ : f64", "mem.seconds = 7 : i64", text, count=1)
    with pytest.raises(InputError, match=r"attribute `mem.seconds` of the module is `7"):
        read_plan(context.parse(broken, "the module"))
