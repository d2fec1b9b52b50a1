"""What a report says, without drawing it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import report_plans
import small
from hypothesis import given, settings
from hypothesis import strategies as st
from nets import chain

import cosmalloc
from cosmalloc.errors import InputError, NoPlanError
from cosmalloc.plan import Outcome, Plan
from cosmalloc.problem import Problem
from cosmalloc.report import report_html, view_of
from cosmalloc.report.causes import Causes, causes_by_tensor, causes_of, total
from cosmalloc.report.markup import Html, joined, tag
from cosmalloc.report.memory_map import in_place, loading, residency_columns
from cosmalloc.report.page import in_script
from cosmalloc.report.payload import payload
from cosmalloc.report.timeline_figure import rows
from cosmalloc.traffic import TensorTraffic, traffic
from tests import oracle
from tests.strategies import problems
from tests.widen import widened

ROOMY = problems(most_spare=6, most_room=16)
SEEDS = st.integers(0, 2**32)
COUNTS = st.integers(0, 50)


def random_plan(problem: Problem, seed: int) -> Plan | None:
    plan = oracle.random_plan(problem, seed)
    return None if plan is None else widened(problem, plan, seed)


@given(entry=st.builds(TensorTraffic, st.just(0), *[COUNTS] * 6))
def test_the_causes_of_a_tensor_are_its_accounts(entry: TensorTraffic) -> None:
    causes = causes_of(entry)
    assert causes.moved == entry.moved
    assert causes.avoidable == entry.non_compulsory
    assert min(causes) >= 0
    assert causes.reload <= entry.loads
    assert causes.spill_store <= entry.stores


def test_a_reload_a_spill_and_direct_access_have_their_own_causes() -> None:
    weight = TensorTraffic(0, loads=20, direct_reads=5, due_read=10)
    assert causes_of(weight) == Causes(compulsory_read=10, reload=10, direct_read=5)
    spilled = TensorTraffic(0, loads=8, stores=8)
    assert causes_of(spilled) == Causes(reload=8, spill_store=8)
    output = TensorTraffic(0, stores=4, direct_writes=4, due_write=4)
    assert causes_of(output) == Causes(compulsory_write=4, direct_write=4)


@settings(max_examples=100, deadline=None)
@given(problem=ROOMY, seed=SEEDS)
def test_the_figures_of_a_view_are_the_plans(problem: Problem, seed: int) -> None:
    plan = random_plan(problem, seed)
    if plan is None:
        return
    value = traffic(problem, plan).non_compulsory
    view = view_of(problem, Outcome(problem.name, "oracle", "feasible", "traffic", plan, value))
    assert view.faults == ()
    assert view.causes.avoidable == value
    assert (
        total(view.moved)
        == Causes(
            *(sum(c) for c in zip(*(c for _, c in causes_by_tensor(view.moved)), strict=True))
        )
        or not value
    )
    assert (view.held <= problem.target.scratchpad_bytes).all()
    if view.needed is not None:
        assert (view.needed <= view.held).all()
    columns = residency_columns(view)
    boxes = zip(*(columns[key].tolist() for key in ("left", "right", "bottom", "top")), strict=True)
    for at, box in zip(plan.residencies, boxes, strict=True):
        top = at.offset + problem.tensors[at.tensor].bytes
        assert box == (at.start, at.stop, at.offset, top)
    assert view.timeline is not None
    told = rows(view, view.timeline)
    assert len(told["compute"]) == len(plan.order)
    assert len(told["loads"]) + len(told["stores"]) == len(plan.transfers)
    stalled = sum(stop - start for start, stop, _ in told["stalls"])
    assert stalled == pytest.approx(sum(view.timeline.stall))
    assert all(wait.copies for wait in view.waits)
    json.dumps(payload(view), allow_nan=False)


def test_the_fullest_steps_come_first_and_name_who_is_there() -> None:
    view = view_of(*report_plans.spilling())
    steps = view.fullest()
    held = [int(view.held[step]) for step in steps]
    assert held == sorted(held, reverse=True)
    assert held[0] == view.held.max()
    sizes = [view.stays[i].bytes for i in view.on_chip(steps[0])]
    assert sum(sizes) == held[0]
    assert sizes == sorted(sizes, reverse=True)


def test_bytes_on_their_way_and_bytes_taken_in_place_have_boxes() -> None:
    view = view_of(*report_plans.in_place())
    assert {key: values.tolist() for key, values in in_place(view).items()} == {
        "left": [0],
        "right": [1],
        "bottom": [0],
        "top": [4],
    }
    assert loading(view)["left"].tolist() == []
    tensors = [small.tensor("x", 2, "input"), small.tensor("y", 2, "output")]
    late = [small.operator(tensors, (), ()), small.operator(tensors, (0,), (1,))]
    problem = small.problem(small.toy(4), tensors, late)
    stays = (small.stay(0, 0, 0, 2), small.stay(1, 2, 1, 2))
    plan = Plan((0, 1), stays, (small.load(0, 0, 1), small.store(1, 2)))
    view = view_of(problem, Outcome("small", "hand", "feasible", "traffic", plan, 0))
    assert view.faults == ()
    assert {key: values.tolist() for key, values in loading(view).items()} == {
        "left": [0],
        "right": [1],
        "bottom": [0],
        "top": [2],
    }


class Page(HTMLParser):
    """What tags a page has, and whether they nest."""

    VOID = ("meta", "input", "br", "img", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.text += data


def test_a_page_nests_and_refers_to_nothing_outside() -> None:
    page = Page(report_html(view_of(*report_plans.spilling())))
    assert page.open == []
    for name, attributes in page.seen:
        assert name not in ("link", "iframe", "img", "object", "embed", "base")
        assert not {"src", "href", "action", "srcset"} & attributes.keys()
    policy = next(a["content"] for _, a in page.seen if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_every_control_has_a_name() -> None:
    text = report_html(view_of(*report_plans.spilling()))
    page = Page(text)
    labelled = set(re.findall(r'<label for="([^"]+)"', text))
    for name, attributes in page.seen:
        if name == "input":
            assert attributes.get("id") in labelled or attributes["type"] == "radio"
        if attributes.get("role") in ("application", "img"):
            assert attributes.get("aria-label")
    identities = [a["id"] for _, a in page.seen if "id" in a]
    assert len(identities) == len(set(identities))


def test_hostile_names_stay_text() -> None:
    text = report_html(view_of(*report_plans.evil()))
    page = Page(text)
    assert report_plans.EVIL in page.text
    assert "<script>alert" not in text
    assert "onerror=alert(1)>" not in text.replace("onerror=alert(1)&gt;", "").replace(
        "\\u003cimg src=x onerror=alert(1)>", ""
    )
    assert sum(name == "script" for name, _ in page.seen) == 13


def test_json_in_a_script_never_ends_it() -> None:
    assert in_script({"</script>": "<!--\u2028"}) == '{"\\u003c/script>":"\\u003c!--\\u2028"}'


def test_markup_escapes_text_and_attributes() -> None:
    made = tag("a", "<&>", tag("b", "x"), class_='"<', aria_label="l", data_x=3)
    assert made.code == '<a class="&quot;&lt;" aria-label="l" data-x="3">&lt;&amp;&gt;<b>x</b></a>'
    assert joined("<", Html("<br>")).code == "&lt;<br>"


def test_two_plans_are_compared_and_what_differs_is_marked() -> None:
    problem, outcome = report_plans.spilling()
    other = cosmalloc.solve(problem, solver="greedy", objective="latency")
    text = report_html(view_of(problem, outcome), view_of(problem, other))
    table = re.search(r'<table class="comparison">.*?</table>', text, re.DOTALL)
    assert table is not None
    rows = re.findall(r'<tr( class="differs")?><th[^>]*>([^<]+)</th>', table[0])
    assert ("", "judge") in rows
    assert (' class="differs"', "objective") in rows
    assert text.count('class="plan"') == 2


def test_a_plan_with_faults_is_shown_with_them() -> None:
    problem, outcome = report_plans.spilling()
    assert outcome.plan is not None
    first = outcome.plan.residencies[0]
    moved = replace(first, offset=first.offset + 1)
    broken = replace(outcome.plan, residencies=(moved, *outcome.plan.residencies[1:]))
    page = Page(report_html(view_of(problem, replace(outcome, plan=broken))))
    assert "Not legal" in page.text
    assert "law 3" in page.text


def test_a_problem_without_seconds_has_no_timeline_but_all_the_rest() -> None:
    problem, outcome = report_plans.spilling()
    silent = replace(
        problem, operators=tuple(replace(o, compute_seconds=None) for o in problem.operators)
    )
    view = view_of(silent, outcome)
    assert view.timeline is None
    page = Page(report_html(view))
    assert "has no compute_seconds" in page.text
    assert {"map-0", "occupancy-0"} <= {a.get("id") for _, a in page.seen}


def test_an_empty_program_has_a_page() -> None:
    problem = small.problem(small.toy(4), [], [])
    outcome = cosmalloc.solve(problem, solver="greedy")
    assert Page(report_html(view_of(problem, outcome))).open == []


def test_what_is_no_plan_is_an_error() -> None:
    problem = chain(4)
    with pytest.raises(NoPlanError, match=r"there is no plan to show \(unknown\): late"):
        view_of(problem, Outcome("chain4", "s", "unknown", "traffic", reason="late"))
    for plan, words in (
        (Plan((0, 0, 1, 2)), "does not run every operator once"),
        (Plan((0, 1, 2, 3), (small.stay(99, 0, 0, 1),)), "names tensor 99 until step 1"),
        (Plan((0, 1, 2, 3), (), (small.load(0, 9),)), "names tensor 0 until step 9"),
    ):
        with pytest.raises(InputError, match=words):
            view_of(problem, Outcome("chain4", "s", "feasible", "traffic", plan, 0))


def test_the_same_plan_gives_the_same_page(tmp_path: Path) -> None:
    view = view_of(*report_plans.spilling(30))
    names = re.compile(r"p\d{4,}|[0-9a-f]{8}-[0-9a-f-]{27}")
    assert names.sub("", report_html(view)) == names.sub("", report_html(view))
