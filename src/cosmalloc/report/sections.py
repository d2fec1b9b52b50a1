"""The parts of the page: the bar of controls, the sheet of one plan."""

from __future__ import annotations

from collections.abc import Sequence

from cosmalloc.report.markup import Html, joined, tag
from cosmalloc.report.palette import BLUE, CIVIDIS, GREEN, GREY, KINDS, ROWS, SKY, VERMILION
from cosmalloc.report.tables import (
    causes_table,
    facts_list,
    faults_list,
    fullest_steps,
    history_table,
    tensors_table,
)
from cosmalloc.report.view import View

KEYS = (
    ("arrows", "move"),
    ("+ -", "zoom"),
    ("0", "everything"),
    ("n p", "next, previous residency"),
    ("Esc", "choose nothing"),
    ("/", "search"),
    ("drag", "move"),
    ("Ctrl wheel", "zoom across"),
    ("Shift wheel", "zoom addresses"),
    ("double click", "zoom to what is chosen"),
)


def toolbar(views: Sequence[View]) -> Html:
    """Search, the colours' meaning, light and dark."""
    del views
    search = tag(
        "div",
        tag("label", "Search tensors and operators", for_="search", class_="hidden"),
        Html(
            '<input id="search" type="search" autocomplete="off" spellcheck="false"'
            ' placeholder="Search tensors and operators  ( / )">'
        ),
        tag("span", id="count", role="status", aria_live="polite"),
        tag("ul", id="results", hidden="", aria_label="Found"),
        class_="search",
    )
    radios = [
        tag(
            "label",
            Html(f'<input type="radio" name="colour" value="{value}"{" checked" * first}>'),
            words,
        )
        for value, words, first in (("kind", "kind", True), ("lifetime", "lifetime", False))
    ]
    colour = tag("fieldset", tag("legend", "Colour by"), *radios)
    theme = tag("button", "Dark", id="theme", type="button")
    keys = [joined(tag("dt", tag("kbd", key)), tag("dd", words)) for key, words in KEYS]
    help_ = tag("details", tag("summary", "Keys"), tag("dl", *keys, class_="keys"), id="keys")
    return tag("div", search, colour, help_, theme, class_="controls")


def plan_section(view: View, number: int) -> Html:
    """Everything about one plan."""
    outcome = view.outcome
    title = f"Plan {'AB'[number]}: {outcome.objective} by {outcome.solver}"
    heading = tag("h2", title, id=f"plan-{number}")
    drawings = tag(
        "div",
        _map(view, number),
        _occupancy(view, number),
        _timeline(view, number),
        _card("Off-chip bytes by tensor", tensors_table(view, number)),
        class_="drawings",
    )
    side = tag(
        "aside",
        _card("Chosen", tag("div", id=f"details-{number}", aria_live="polite"), "chosen"),
        _card("Fullest steps", fullest_steps(view, number)),
        _card("Off-chip bytes by cause", causes_table(view.causes)),
        _progress(view, number),
    )
    return tag(
        "section",
        heading,
        facts_list(view),
        faults_list(view),
        tag("div", drawings, side, class_="sheet"),
        class_="plan",
        aria_labelledby=f"plan-{number}",
    )


def _card(title: str, body: Html, more: str = "") -> Html:
    return tag("section", tag("h3", title), body, class_=f"card {more}".strip())


def _drawing(title: str, legend: Html, place: Html) -> Html:
    caption = tag("figcaption", tag("h3", title), legend)
    return tag("figure", caption, place, class_="card")


def _place(element: str, words: str) -> Html:
    return tag("div", id=element, class_="plot", role="img", aria_label=words)


def _legend(*entries: tuple[str, str], kind: str = "") -> Html:
    """entries: (style of the swatch, words)."""
    items = (
        tag("li", tag("span", class_="swatch", style=style), words) for style, words in entries
    )
    return tag("ul", *items, class_=f"legend {kind}".strip())


def _line(dashes: str, colour: str) -> str:
    """The swatch of a curve, long enough to show its dashes."""
    on, off = {"solid": (26, 0), "dashed": (7, 4), "dotted": (2, 3)}[dashes]
    stripes = f"{colour} 0 {on}px,transparent {on}px {on + off}px"
    return f"background:repeating-linear-gradient(90deg,{stripes});width:26px;height:2px"


def _map(view: View, number: int) -> Html:
    kinds = _legend(*((f"background:{c}", word) for word, c in KINDS.items()), kind="by-kind")
    ramp = tag(
        "p",
        "lifetime: 1 step ",
        tag("span", class_="ramp", style=f"background:linear-gradient(90deg,{','.join(CIVIDIS)})"),
        f" {_longest(view):,} steps",
        class_="legend by-lifetime",
    )
    marks = _legend(
        ("background:var(--dots)", "being loaded"),
        ("background:var(--stripes)", "taken in place"),
        (_line("dashed", VERMILION), "scratchpad"),
    )
    zoom = [
        tag("button", sign, type="button", aria_label=words, data_plan=number, data_zoom=factor)
        for sign, words, factor in (
            ("+", "Zoom in", "1.5"),
            ("-", "Zoom out", "0.6667"),
            ("All", "Show everything", "0"),
        )
    ]
    frame = tag(
        "div",
        _place(f"map-{number}", f"{len(view.stays)} residencies as rectangles"),
        id=f"frame-{number}",
        class_="frame",
        tabindex=0,
        role="application",
        aria_label="Memory map: steps across, addresses up. Arrows move, plus and minus zoom,"
        " n and p go through the residencies",
    )
    legend = tag("div", kinds, ramp, marks, tag("span", *zoom, class_="zoom"), class_="row")
    return _drawing("Memory map", legend, frame)


def _longest(view: View) -> int:
    spans = (view.life.span(stay.tensor) for stay in view.stays)
    return max((stop - start for start, stop in spans), default=1)


def _occupancy(view: View, number: int) -> Html:
    entries = [(f"background:{SKY};border-top:2px solid {BLUE}", "held")]
    if view.needed is not None:
        entries.append((_line("dashed", GREEN), "bound: the step needs this"))
    entries.append((_line("dotted", GREY), "if nothing left before its last use"))
    entries.append((_line("dashed", VERMILION), "scratchpad"))
    highest = int(view.held.max(initial=0))
    place = _place(f"occupancy-{number}", f"Bytes on chip at each step, at most {highest:,}")
    return _drawing("Occupancy", _legend(*entries), place)


def _timeline(view: View, number: int) -> Html:
    if view.timeline is None:
        return _drawing("Timeline", Html(""), tag("p", view.no_timeline, class_="quiet"))
    legend = _legend(*((f"background:{colour}", word) for word, colour in ROWS.items()))
    place = _place(f"timeline-{number}", "Seconds of compute, stalls, loads and stores")
    return _drawing("Timeline", legend, place)


def _progress(view: View, number: int) -> Html:
    body = history_table(view)
    if len(view.outcome.history) > 1:
        legend = _legend(
            (_line("solid", BLUE), "best plan"),
            (_line("dashed", VERMILION), "proven bound"),
        )
        body = joined(
            legend, _place(f"progress-{number}", "The best plan and the bound over time"), body
        )
    return _card("Progress of the solver", body)
