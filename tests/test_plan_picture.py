"""Pictures of plans: files by matplotlib, letters on a terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
import report_plans
import small
from PIL import Image

import cosmalloc
from cosmalloc.errors import InputError, NoPlanError
from cosmalloc.plan import Outcome
from cosmalloc.plan_picture import LETTERS, draw, terminal

ROOT = Path(__file__).parent.parent


def part(picture: str) -> str:
    """The boxes of an SVG."""
    found = re.search(r'<g id="PolyCollection_1">(.*?)\n   </g>', picture, re.DOTALL)
    assert found is not None
    return found[1]


def words(picture: str) -> set[str]:
    """The text in an SVG."""
    return set(re.findall(r"<text[^>]*>([^<]+)</text>", picture))


def test_a_png_shows_the_kinds_in_their_colours() -> None:
    image = Image.open(io.BytesIO(draw(*report_plans.spilling(), ".png"))).convert("RGB")
    assert min(image.size) > 500
    counted = {colour: count for count, colour in image.getcolors(2**24) or []}
    assert counted[(0x00, 0x9E, 0x73)] > 10_000  # intermediates
    assert counted[(0xE6, 0x9F, 0x00)] > 500  # weights


def test_the_same_plan_gives_the_same_svg_with_text_as_text() -> None:
    problem, outcome = report_plans.spilling()
    first = draw(problem, outcome, ".svg")
    assert first == draw(problem, outcome, ".svg")
    assert {"address", "step", "weight", "intermediate", "scratchpad"} <= words(first.decode())


def test_every_residency_has_its_polygon() -> None:
    problem, outcome = report_plans.in_place()
    picture = draw(problem, outcome, ".svg").decode()
    assert part(picture).count("<path") == 3


def test_the_picture_in_the_readme_is_the_demos_plan() -> None:
    model = ROOT / "examples/models/artifacts/mobilenet_v2.mlirbc"
    mapped = cosmalloc.map_model(model, target="npu-2mib", bytes_per_element=1)
    now = draw(mapped.problem, mapped.outcome, ".svg").decode()
    shown = (ROOT / "docs/images/mobilenet_v2.svg").read_text()
    boxes = [re.findall("<path", part(text)) for text in (now, shown)]
    assert len(boxes[0]) == len(boxes[1]) == len(mapped.plan.residencies)
    assert words(now) == words(shown)


def test_a_terminal_shows_each_residency_as_a_letter_where_it_stands() -> None:
    problem, outcome = report_plans.in_place()
    assert outcome.plan is not None
    lines = terminal(problem, outcome.plan, columns=29, rows=5).plain.split("\n")
    free, x, t, y = ".", LETTERS[0], LETTERS[1], LETTERS[2]
    assert lines[0].split() == ["5B", 10 * free + 10 * y]
    assert [line.split()[-1] for line in lines[1:5]] == [20 * t] * 4
    assert lines[5].split() == ["0B", "0", "step", "2"]
    assert x not in "".join(lines[:5])  # of two in one place the one that came later shows
    assert lines[6].split() == ["input", "weight", "intermediate", "output"]


def test_an_empty_program_has_a_picture() -> None:
    problem = small.problem(small.toy(4), [], [])
    outcome = cosmalloc.solve(problem, solver="greedy")
    assert outcome.plan is not None
    assert draw(problem, outcome, ".png").startswith(b"\x89PNG")
    assert "step 0" in terminal(problem, outcome.plan).plain


def test_what_is_no_picture_is_an_error() -> None:
    problem, outcome = report_plans.in_place()
    with pytest.raises(InputError, match=r"a picture can't be a `\.gif`"):
        draw(problem, outcome, ".gif")
    nothing = Outcome(problem.name, "s", "unknown", "traffic")
    with pytest.raises(NoPlanError):
        draw(replace(problem), nothing, ".png")
