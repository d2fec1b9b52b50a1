"""The report as people use it, in a headless Chromium."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import report_plans
from browser import Visit, browser, visit

import cosmalloc
from cosmalloc.plan import Outcome
from cosmalloc.problem import Problem
from cosmalloc.report import report_html, view_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def spilled() -> tuple[Problem, Outcome]:
    return report_plans.spilling()


@pytest.fixture(scope="module")
def report(spilled: tuple[Problem, Outcome], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_html(view_of(*spilled)))
    return path


@pytest.fixture(scope="module")
def page(chromium: Browser, report: Path) -> Visit:
    return visit(chromium, report)


@pytest.fixture
def opened(page: Visit, report: Path) -> Iterator[Visit]:
    """One page for many tests, each time as if it had just been opened."""
    yield page
    assert page.errors == []
    assert page.requests == [report.as_uri()]
    page.start_over()


def colours(part: Locator) -> dict[tuple[int, int, int], int]:
    """The colours of a screenshot and how many pixels have each."""
    from PIL import Image

    image = Image.open(io.BytesIO(part.screenshot())).convert("RGB")
    counted = image.getcolors(maxcolors=2**24)
    return {colour: count for count, colour in counted or []}  # type: ignore[misc]


MIDDLE = """stay => {
    const sheet = window.cosmalloc.sheets[0], { left, right, bottom, top } = sheet.stays;
    const [a, b] = sheet.across(), [c, d] = sheet.up();
    const place = document.getElementById("map-0").getBoundingClientRect();
    const frame = Bokeh.index.find_one_by_id(sheet.map.id).frame.bbox;
    const x = ((left[stay] + right[stay]) / 2 - a) / (b - a);
    const y = ((bottom[stay] + top[stay]) / 2 - c) / (d - c);
    return [place.left + frame.left + x * frame.width, place.top + frame.bottom - y * frame.height];
}"""


def middle_of(found: Visit, stay: int) -> tuple[float, float]:
    """Where on the page the middle of a residency's rectangle is."""
    x, y = found.page.evaluate(MIDDLE, stay)
    return x, y


def largest(spilled: tuple[Problem, Outcome]) -> int:
    problem, outcome = spilled
    assert outcome.plan is not None
    area = [(r.stop - r.start) * problem.tensors[r.tensor].bytes for r in outcome.plan.residencies]
    return area.index(max(area))


@pytest.mark.parametrize("part", ["map-0", "occupancy-0", "timeline-0", "progress-0"])
def test_every_figure_is_drawn(opened: Visit, part: str) -> None:
    found = colours(opened.page.locator(f"#{part}"))
    lit = sum(count for colour, count in found.items() if max(colour) - min(colour) > 60)
    assert lit > 0.002 * sum(found.values())
    assert len(found) > 10


def test_the_map_has_the_colours_of_the_kinds(opened: Visit) -> None:
    found = colours(opened.page.locator("#map-0"))
    green, orange = (0x00, 0x9E, 0x73), (0xE6, 0x9F, 0x00)
    assert found[green] > 10_000
    assert found[orange] > 100


def test_hovering_over_a_rectangle_tells_tensor_bytes_and_operator(
    opened: Visit, spilled: tuple[Problem, Outcome]
) -> None:
    problem, outcome = spilled
    assert outcome.plan is not None
    stay = largest(spilled)
    opened.page.mouse.move(*middle_of(opened, stay))
    opened.page.wait_for_selector("#tip:not([hidden])")
    words = opened.page.locator("#tip").inner_text()
    tensor = outcome.plan.residencies[stay].tensor
    assert problem.tensors[tensor].name in words
    assert "bytes" in words
    maker = problem.producer[tensor]
    assert maker is None or problem.operators[maker].name in words
    opened.page.mouse.move(5, 5)
    opened.page.wait_for_selector("#tip", state="hidden")


def test_a_click_chooses_and_its_links_lead_on(
    opened: Visit, spilled: tuple[Problem, Outcome]
) -> None:
    stay = largest(spilled)
    opened.page.mouse.click(*middle_of(opened, stay))
    opened.page.wait_for_selector("#details-0 h4")
    assert opened.sheet("sheet.chosen.stay") == stay
    opened.page.locator("#details-0 button").first.click()
    assert "step" in opened.page.locator("#details-0 h4").inner_text()
    assert opened.sheet("sheet.chosen.step") is not None


def test_search_finds_marks_and_goes_there(opened: Visit, spilled: tuple[Problem, Outcome]) -> None:
    problem, outcome = spilled
    assert outcome.plan is not None
    name = problem.tensors[outcome.plan.residencies[largest(spilled)].tensor].name
    box = opened.page.locator("#search")
    box.fill(name.upper())
    assert "found" in opened.page.locator("#count").inner_text()
    assert opened.page.locator("#results button").first.inner_text().startswith(name)
    assert opened.sheet("sheet.find('chosen').data.left.length >= 1")
    box.press("Enter")
    opened.rest()
    assert opened.page.locator("#details-0 h4").inner_text() == name
    across = opened.sheet("sheet.across()[1] - sheet.across()[0] < sheet.facts.steps")
    assert across
    box.fill("no such name")
    assert opened.page.locator("#count").inner_text() == "0 found"
    assert opened.page.locator("#results").is_hidden()


def test_buttons_and_the_wheel_zoom_and_dragging_pans(opened: Visit) -> None:
    whole = opened.sheet("sheet.across()")
    opened.page.get_by_role("button", name="Zoom in").click()
    zoomed = opened.sheet("sheet.across()")
    assert isinstance(whole, list)
    assert isinstance(zoomed, list)
    assert zoomed[1] - zoomed[0] == pytest.approx((whole[1] - whole[0]) / 1.5)
    box = opened.page.locator("#map-0").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.page.mouse.move(x, y)
    opened.page.mouse.down()
    opened.page.mouse.move(x + 80, y, steps=4)
    opened.page.mouse.up()
    moved = opened.sheet("sheet.across()")
    assert isinstance(moved, list)
    assert moved[0] < zoomed[0]
    opened.page.keyboard.down("Control")
    opened.page.mouse.wheel(0, -200)
    opened.page.keyboard.up("Control")
    opened.rest()
    closer = opened.sheet("sheet.across()")
    assert isinstance(closer, list)
    assert closer[1] - closer[0] < moved[1] - moved[0]
    opened.page.get_by_role("button", name="Show everything").click()
    assert opened.sheet("sheet.across()") == whole


def test_the_wheel_alone_scrolls_the_page(opened: Visit) -> None:
    opened.page.locator("#map-0").hover()
    before = opened.sheet("sheet.across()")
    opened.page.mouse.wheel(0, 300)
    opened.rest()
    assert opened.sheet("sheet.across()") == before
    assert opened.page.evaluate("scrollY") > 0


def test_the_keyboard_does_all_of_it(opened: Visit) -> None:
    opened.page.keyboard.press("/")
    assert opened.page.evaluate("document.activeElement.id") == "search"
    opened.page.locator("#frame-0").focus()
    whole = opened.sheet("sheet.across()")
    assert isinstance(whole, list)
    for key in ("+", "+", "ArrowRight", "ArrowUp"):
        opened.page.keyboard.press(key)
    near = opened.sheet("sheet.across()")
    assert isinstance(near, list)
    assert near[1] - near[0] < whole[1] - whole[0]
    assert opened.sheet("sheet.up()[0] > 0")
    opened.page.keyboard.press("n")
    first = opened.sheet("sheet.chosen.stay")
    opened.page.keyboard.press("n")
    assert opened.sheet("sheet.chosen.stay") != first
    opened.page.keyboard.press("p")
    assert opened.sheet("sheet.chosen.stay") == first
    opened.page.keyboard.press("Escape")
    assert opened.sheet("sheet.chosen") is None
    opened.page.keyboard.press("0")
    assert opened.sheet("sheet.across()") == whole


def test_tab_reaches_every_control_in_the_order_of_the_page(opened: Visit) -> None:
    opened.page.locator("#search").focus()
    seen = ["search"]
    for _ in range(8):
        opened.page.keyboard.press("Tab")
        seen.append(
            opened.page.evaluate(
                "document.activeElement.id || document.activeElement.ariaLabel"
                " || document.activeElement.tagName"
            )
        )
    order = ["search", "INPUT", "SUMMARY", "theme", "Zoom in", "Zoom out", "Show everything"]
    assert [name for name in seen if name in order] == order
    assert "frame-0" in seen


def test_a_full_step_is_one_click_away_and_the_timeline_follows(
    opened: Visit, spilled: tuple[Problem, Outcome]
) -> None:
    step = view_of(*spilled).fullest()[0]
    before = opened.sheet("sheet.find('timeline').x_range.end")
    opened.page.locator("ol.steps button").first.click()
    opened.rest()
    left, right = opened.sheet("sheet.across()")  # type: ignore[misc]
    assert left <= step < right
    assert opened.page.locator("#details-0 h4").inner_text() == f"step {step}"
    assert opened.sheet("sheet.find('timeline').x_range.end") != before


def test_the_timeline_tells_its_slices(opened: Visit) -> None:
    target = """() => { const sheet = window.cosmalloc.sheets[0];
        const plot = sheet.find("timeline"), { left, right } = sheet.find("stalls").data;
        const longest = [...left.keys()].sort((a, b) => right[b] - left[b] - right[a] + left[a])[0];
        const place = document.getElementById("timeline-0").getBoundingClientRect();
        const frame = Bokeh.index.find_one_by_id(plot.id).frame.bbox, r = plot.x_range;
        return [place.left + frame.left
          + ((left[longest] + right[longest]) / 2 - r.start) / (r.end - r.start) * frame.width,
          place.top + frame.bottom - 2.4 / 4.1 * frame.height] }"""
    opened.page.locator("#timeline-0").scroll_into_view_if_needed()
    opened.page.mouse.move(*opened.page.evaluate(target))
    opened.page.wait_for_selector("#tip:not([hidden])")
    assert "waits" in opened.page.locator("#tip").inner_text()


def test_colour_by_lifetime_draws_other_colours(opened: Visit) -> None:
    by_kind = colours(opened.page.locator("#map-0"))
    opened.page.get_by_label("lifetime").check()
    opened.rest()
    by_lifetime = colours(opened.page.locator("#map-0"))
    green = (0x00, 0x9E, 0x73)
    assert by_kind[green] > 10_000
    assert by_lifetime.get(green, 0) < 100
    assert opened.page.locator(".by-lifetime").is_visible()


def test_dark_follows_the_system_and_the_switch(chromium: Browser, report: Path) -> None:
    found = visit(chromium, report, dark=True)
    corner = max(colours(found.page.locator("#map-0")).items(), key=lambda item: item[1])
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = found.page.evaluate(ground)
    assert found.page.locator("#theme").inner_text() == "Light"
    found.page.locator("#theme").click()
    assert found.page.evaluate(ground) != dark
    assert found.page.locator("#theme").inner_text() == "Dark"
    found.rest()
    light = colours(found.page.locator("#map-0"))
    assert light[(255, 255, 255)] > 1000
    assert corner[0] != (255, 255, 255)
    assert found.errors == []
    found.page.close()


def test_names_never_become_markup_or_code(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "evil.html"
    path.write_text(report_html(view_of(*report_plans.evil())))
    found = visit(chromium, path)
    found.page.locator("#search").fill("script")
    assert "<script>" in found.page.locator("#results button").first.inner_text()
    found.page.locator("#search").press("Enter")
    assert found.page.locator("#details-0 h4").inner_text().startswith("<script>alert")
    found.page.mouse.move(*middle_of(found, 3))
    found.rest()
    assert found.page.locator("h1").inner_text().startswith("<script>alert")
    assert found.page.locator("img").count() == 0
    assert found.page.evaluate("document.querySelectorAll('body script').length") == 13
    assert found.errors == []
    assert found.requests == [path.as_uri()]
    found.page.close()


def test_two_plans_stand_side_by_side_and_move_together(
    chromium: Browser, spilled: tuple[Problem, Outcome], tmp_path: Path
) -> None:
    problem, outcome = spilled
    other = cosmalloc.solve(problem, solver="greedy", objective="latency")
    path = tmp_path / "two.html"
    path.write_text(report_html(view_of(problem, outcome), view_of(problem, other)))
    found = visit(chromium, path, width=1700)
    one, two = (found.page.locator(f"#map-{n}").bounding_box() for n in (0, 1))
    assert one is not None
    assert two is not None
    assert one["y"] == pytest.approx(two["y"], abs=3)
    assert one["x"] + one["width"] < two["x"]
    found.page.get_by_role("button", name="Zoom in").first.click()
    assert found.page.evaluate(
        "cosmalloc.sheets[0].across().join() === cosmalloc.sheets[1].across().join()"
    )
    rows = found.page.locator("table.comparison tr").all_inner_texts()
    assert any(
        row.startswith("objective") and "traffic" in row and "latency" in row for row in rows
    )
    assert found.errors == []
    found.page.close()


def test_an_update_in_place_is_hatched_and_told(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "small.html"
    path.write_text(report_html(view_of(*report_plans.in_place())))
    found = visit(chromium, path)
    found.page.locator("#search").fill("t")
    found.page.locator("#search").press("Enter")
    assert "in place over x" in found.page.locator("#details-0").inner_text()
    found.page.locator("#search").fill("x")
    found.page.locator("#search").press("Enter")
    assert "in step 0 t takes its bytes in place" in found.page.locator("#details-0").inner_text()
    assert found.errors == []
    found.page.close()


def test_webgl_draws_the_same_rectangles(chromium: Browser, report: Path) -> None:
    found = visit(chromium, report, part="#webgl")
    assert found.page.evaluate("document.body.dataset.backend") == "webgl"
    assert colours(found.page.locator("#map-0"))[(0x00, 0x9E, 0x73)] > 10_000
    assert found.errors == []
    found.page.close()
