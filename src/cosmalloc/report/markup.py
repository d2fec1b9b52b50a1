"""HTML as values: text is escaped where it becomes HTML, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Html:
    """A piece of HTML that is safe to put anywhere between tags."""

    code: str


def tag(name: str, *children: Html | str, **attributes: str | int) -> Html:
    """An element. Strings are text; `class_` names attribute `class`, `aria_label` `aria-label`."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{words}>{joined(*children).code}</{name}>")


def joined(*children: Html | str) -> Html:
    """Pieces side by side."""
    return Html(
        "".join(c.code if isinstance(c, Html) else escape(c, quote=False) for c in children)
    )
