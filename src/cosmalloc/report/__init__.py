"""A plan to look at: one HTML file with map, curves, timeline and tables.

report_html(view_of(problem, outcome))      one plan
report_html(one, two)                       two side by side
"""

from __future__ import annotations

from cosmalloc.report.view import View, view_of

__all__ = ["View", "report_html", "view_of"]


def report_html(*views: View) -> str:
    """The content of a report on one plan or two."""
    from cosmalloc.report.page import page

    return page(views)
