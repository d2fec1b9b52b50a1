"""The report as one HTML file that needs nothing else, offline too.

head     style, a policy that forbids every connection
body     facts and tables as HTML, readable before and without any script
end      the plans' words and the figures as JSON, Bokeh's script, the page's own
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from cosmalloc.report.markup import Html, joined, tag
from cosmalloc.report.payload import payload
from cosmalloc.report.sections import plan_section, toolbar
from cosmalloc.report.tables import comparison
from cosmalloc.report.view import View
from cosmalloc.sizes import format_bytes
from cosmalloc.version import version

SCRIPTS = ("words", "follow", "plan", "details", "pointer", "search", "theme", "main")
LIBRARY = ("bokeh.min.js", "bokeh-gl.min.js")
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline';"
    " img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
)  # eval: Bokeh makes the axes' formatters from the code in cosmalloc.report.axes


def page(views: Sequence[View]) -> str:
    """The report of one plan, or of two side by side."""
    from cosmalloc.report.document import document

    documents, items = document(views)
    plans = [plan_section(view, number) for number, view in enumerate(views)]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            _head(views),
            f'<body data-colour="kind" data-plans="{len(views)}">',
            _header(views).code,
            tag("main", *plans, class_="plans").code,
            tag("div", id="tip", hidden="", role="tooltip").code,
            tag("footer", f"cosmalloc {version()}. Everything here lies in this file.").code,
            *(
                f'<script type="application/json" id="{name}">{in_script(value)}</script>'
                for name, value in (
                    ("plans", [payload(view) for view in views]),
                    ("documents", documents),
                    ("items", items),
                )
            ),
            *(f"<script>{text}</script>" for text in (*_library(), *_scripts())),
            "</body></html>",
            "",
        ]
    )


def in_script(value: Any) -> str:
    """JSON that no HTML parser takes for the end of a script: every `<` is written \\u003c."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _head(views: Sequence[View]) -> str:
    title = escape(" and ".join(dict.fromkeys(view.problem.name for view in views)))
    style = files("cosmalloc.report").joinpath("assets/page.css").read_text(encoding="utf-8")
    return (
        f'<head><meta charset="utf-8"><title>{title}: memory plan</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><style>{style}</style></head>'
    )


def _header(views: Sequence[View]) -> Html:
    first = views[0].problem
    names = " and ".join(dict.fromkeys(view.problem.name for view in views))
    target = first.target
    line = (
        f"{len(first.operators):,} operators, {len(first.tensors):,} tensors"
        f" ({sum(t.tracked for t in first.tensors):,} planned) on {target.name}:"
        f" scratchpad {format_bytes(target.scratchpad_bytes)}, operands {target.operand_rule}"
    )
    title = tag("div", tag("h1", names), tag("p", line, class_="quiet"))
    table = comparison(views) if len(views) > 1 else Html("")
    return joined(tag("header", title, toolbar(views), class_="top"), table)


def _library() -> list[str]:
    """Bokeh's scripts as installed."""
    folder = files("bokeh").joinpath("server/static/js")
    return [folder.joinpath(name).read_text(encoding="utf-8") for name in LIBRARY]


def _scripts() -> list[str]:
    folder = files("cosmalloc.report").joinpath("assets")
    return [folder.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
