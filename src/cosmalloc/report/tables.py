"""The words of a report: facts, the fullest steps, traffic by cause and by tensor, the progress."""

from __future__ import annotations

from collections.abc import Sequence

from cosmalloc.cli.summary import time_words
from cosmalloc.report.causes import Causes
from cosmalloc.report.markup import Html, joined, tag
from cosmalloc.report.palette import CAUSES, SKY
from cosmalloc.report.view import View
from cosmalloc.sizes import format_bytes

MOST = 60  # tensors in the table of traffic


def facts(view: View) -> dict[str, str]:
    """What a reader wants first."""
    outcome, causes = view.outcome, view.causes
    line, bound = view.timeline, outcome.bound
    show = time_words if outcome.objective == "latency" else _bytes
    return {
        "status": f"{outcome.status}, by {outcome.solver}",
        "objective": f"{outcome.objective} {show(outcome.value or 0)}",
        "proven bound": "none" if bound is None else show(bound),
        "peak": f"{format_bytes(view.peak)} of {_bytes(view.problem.target.scratchpad_bytes)}",
        "traffic": f"{format_bytes(causes.avoidable)} beyond"
        f" {format_bytes(causes.moved - causes.avoidable)} compulsory",
        "latency": "unknown" if line is None else time_words(line.latency),
        "stalls": "unknown" if line is None else time_words(sum(line.stall)),
        "residencies": f"{len(view.stays):,}",
        "copies": f"{len(view.plan.transfers):,}",
        "judge": "legal" if not view.faults else f"{len(view.faults)} faults",
    }


def answers(view: View) -> dict[str, str]:
    """What the plan answers."""
    problem, target = view.problem, view.problem.target
    return {
        "problem": f"{problem.name}, {len(problem.operators):,} operators",
        "target": f"{target.name}, {_bytes(target.scratchpad_bytes)}, {target.operand_rule}",
    }


def facts_list(view: View) -> Html:
    """The facts as tiles."""
    rows = (tag("div", tag("dt", key), tag("dd", value)) for key, value in facts(view).items())
    return tag("dl", *rows, class_="facts")


def comparison(views: Sequence[View]) -> Html:
    """The facts of two plans beside each other; what differs is marked."""
    first, second = (answers(view) | facts(view) for view in views)
    rows = []
    for key in dict.fromkeys((*first, *second)):
        one, two = first.get(key, "-"), second.get(key, "-")
        mark = {"class_": "differs"} if one != two else {}
        rows.append(tag("tr", tag("th", key, scope="row"), tag("td", one), tag("td", two), **mark))
    head = tag("tr", tag("td"), tag("th", "A", scope="col"), tag("th", "B", scope="col"))
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="comparison")


def faults_list(view: View, most: int = 20) -> Html:
    """What the judge says against the plan; nothing for a legal one."""
    if not view.faults:
        return Html("")
    items = [tag("li", words) for words in view.faults[:most]]
    if len(view.faults) > most:
        items.append(tag("li", f"{len(view.faults) - most} more"))
    title = tag("strong", f"Not legal: {len(view.faults)} faults")
    return tag("div", title, tag("ul", *items), class_="faults", role="alert")


def fullest_steps(view: View, number: int) -> Html:
    """The steps that hold the most; a click goes there."""
    highest = max(1, int(view.held.max(initial=1)))
    items = []
    for step in view.fullest():
        node = view.problem.operators[view.plan.order[step]]
        held = int(view.held[step])
        items.append(
            tag(
                "li",
                tag(
                    "button",
                    tag("span", f"{step}: {node.name}", class_="name"),
                    tag("span", format_bytes(held), class_="number"),
                    _bar([(SKY, held / highest)]),
                    type="button",
                    data_plan=number,
                    data_step=step,
                    title=f"{node.kind}, {len(view.on_chip(step))} residencies {node.location}",
                ),
            )
        )
    return tag("ol", *items, class_="steps")


def causes_table(causes: Causes) -> Html:
    """Bytes by cause."""
    most = max(1, *causes)
    rows = []
    for cause, count in causes._asdict().items():
        words = cause.replace("_", " ")
        what = tag("th", _swatch(CAUSES[cause]), words, scope="row")
        share = _bar([(CAUSES[cause], count / most)])
        rows.append(
            tag("tr", what, tag("td", format_bytes(count), class_="number"), tag("td", share))
        )
    return tag("table", tag("tbody", *rows), class_="causes")


def tensors_table(view: View, number: int) -> Html:
    """Bytes by tensor, the worst first."""
    found = view.causes_by_tensor
    if not found:
        return tag("p", "No planned tensor moves.", class_="quiet")
    on_chip = {stay.tensor for stay in view.stays}
    most = max(causes.moved for _, causes in found[:MOST])
    rows = []
    for tensor, causes in found[:MOST]:
        entry = view.problem.tensors[tensor]
        name: Html | str = entry.name
        if tensor in on_chip:
            name = tag("button", name, type="button", class_="link", data_plan=number)
            name = Html(name.code.replace("<button", f'<button data-tensor="{tensor}"', 1))
        parts = [(CAUSES[cause], count / most) for cause, count in causes._asdict().items()]
        words = ", ".join(
            f"{cause.replace('_', ' ')} {format_bytes(count)}"
            for cause, count in causes._asdict().items()
            if count
        )
        rows.append(
            tag(
                "tr",
                tag("th", name, scope="row"),
                tag("td", entry.kind),
                tag("td", format_bytes(causes.avoidable), class_="number"),
                tag("td", format_bytes(causes.moved), class_="number"),
                tag("td", _bar(parts), title=words),
            )
        )
    head = _heads("tensor", "kind", "avoidable", "moved", "by cause", numbers=(2, 3))
    more = f"{len(found) - MOST} more tensors move less." if len(found) > MOST else ""
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="tensors")
    return joined(_scrolling(table, "Bytes by tensor"), tag("p", more, class_="quiet"))


def history_table(view: View) -> Html:
    """The solver's moments in words."""
    history = view.outcome.history
    if not history:
        return tag("p", "The plan's file tells no history of its solver.", class_="quiet")
    show = time_words if view.outcome.objective == "latency" else _bytes
    rows = (
        tag(
            "tr",
            tag("td", time_words(moment.seconds), class_="number"),
            tag("td", "-" if moment.value is None else show(moment.value), class_="number"),
            tag("td", "-" if moment.bound is None else show(moment.bound), class_="number"),
        )
        for moment in history
    )
    head = _heads("after", "best plan", "bound", numbers=(0, 1, 2))
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    return _scrolling(table, "What the solver knew when")


def _scrolling(table: Html, words: str) -> Html:
    """A table in a box of limited height that the keyboard can scroll."""
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=words)


def _heads(*words: str, numbers: Sequence[int]) -> Html:
    """The first line of a table; the columns of numbers stand to the right."""
    sides = ({"class_": "number"} if index in numbers else {} for index in range(len(words)))
    cells = (tag("th", w, scope="col", **side) for w, side in zip(words, sides, strict=True))
    return tag("tr", *cells)


def _bytes(count: float) -> str:
    return format_bytes(int(count))


def _swatch(colour: str) -> Html:
    return tag("span", class_="swatch", style=f"background:{colour}")


def _bar(parts: Sequence[tuple[str, float]]) -> Html:
    """Shares of the full width, side by side, a colour each."""
    pieces = (
        tag("span", style=f"background:{colour};width:{100 * share:.2f}%")
        for colour, share in parts
        if share > 0
    )
    return tag("span", *pieces, class_="bar", aria_hidden="true")
