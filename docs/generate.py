"""What the pages take from the code and the data when they are built: commands, API, tables.

A page says where: `<!-- generated: commands -->`, `api` or `tables`. mkdocs calls `on_config` and
`on_page_markdown`.
"""

from __future__ import annotations

import csv
import importlib
import inspect
import io
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
MARK = re.compile(r"<!-- generated: (\w+) -->")
HOMES = {"ilp.md": "Solvers", "latency.md": "Solvers", "tpu.md": "Machines"}
MODULES = {  # heading -> module, its public names
    "The front door": "cosmalloc",
    "Passes": "cosmalloc.passes",
    "Files": "cosmalloc.interchange",
    "Taking the plan away": "cosmalloc.emit",
    "Explain": "cosmalloc.explain",
    "Mending faults": "cosmalloc.mend",
    "Compare": "cosmalloc.compare",
    "Sweep": "cosmalloc.sweep",
    "Native allocator": "cosmalloc.native",
    "JAX offloading": "cosmalloc.jax",
    "ExecuTorch": "cosmalloc.executorch",
}
NAMES = {
    "cosmalloc.compare": ("compare", "with_gaps", "contestants", "Row"),
    "cosmalloc.executorch": ("MemoryPlanner", "Packed", "pack", "Buffer"),
}


def on_page_markdown(markdown: str, **_context: Any) -> str:
    """The page with its marks replaced."""
    return MARK.sub(lambda match: GENERATED[match[1]](), markdown)


def on_config(config: Any) -> Any:
    """The pages that mkdocs.yml does not list come in under their headings, in the section where
    their kind is (`HOMES`) or in one of their own."""
    known = set(listed(config["nav"]))
    for path in sorted(DATA.parent.glob("*.md")):
        if path.name not in known:
            title = path.read_text().partition("\n")[0].lstrip("# ")
            _section(config["nav"], HOMES.get(path.name, "More")).append({title: path.name})
    return config


def _section(nav: Any, name: str) -> Any:
    """The entries of a section, made if it is not there."""
    for entry in nav:
        if name in entry:
            return entry[name]
    nav.append({name: []})
    return nav[-1][name]


def listed(nav: Any) -> Iterator[str]:
    """The files of a navigation."""
    for entry in nav:
        for value in entry.values():
            yield from [value] if isinstance(value, str) else listed(value)


def commands() -> str:
    """The help of every command."""
    import typer

    from cosmalloc.cli.app import app

    group = typer.main.get_command(app)
    parts = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        with group.make_context("cosmalloc", [], resilient_parsing=True) as parent:
            context = command.make_context(name, [], parent=parent, resilient_parsing=True)
        context.max_content_width = context.terminal_width = 96
        parts.append(f"### {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def api() -> str:
    """Signatures and docstrings of the public names."""
    return "\n".join(
        f"## {heading}\n\n`{name}`: {_first(importlib.import_module(name))}\n\n"
        + "\n".join(_entries(name))
        for heading, name in MODULES.items()
    )


def _entries(module_name: str) -> Iterator[str]:
    module = importlib.import_module(module_name)
    for name in sorted(NAMES.get(module_name, getattr(module, "__all__", ()))):
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            text = inspect.getdoc(value) or ""
            yield f"### {module_name}.{name}\n\n```python\n{_signature(name, value)}\n```\n"
            yield f"```text\n{text}\n```\n"
            if inspect.isclass(value):
                yield from _members(value)


def _members(kind: type) -> Iterator[str]:
    """Public methods and properties that say what they do, a line each."""
    for name, member in vars(kind).items():
        text = inspect.getdoc(member)
        if name.startswith("_") or not text or not _is_member(member):
            continue
        called = "" if isinstance(member, property | cached_property) else "(…)"
        yield f"- `{name}{called}`: {_one_line(text)}"
    yield ""


def _is_member(member: object) -> bool:
    kinds = (property, cached_property, classmethod, staticmethod)
    return inspect.isfunction(member) or isinstance(member, kinds)


def _one_line(text: str) -> str:
    return text.partition("\n\n")[0].replace("\n", " ")


def _signature(name: str, value: Any) -> str:
    try:
        shown = str(inspect.signature(value))
    except (ValueError, TypeError):
        shown = "(...)"
    word = "class" if inspect.isclass(value) else "def"
    unquoted = re.sub(r"(: |-> )'([^']*)'", r"\1\2", shown)
    plain = re.sub(r"<(?:factory|object|function)[^>]*>", "…", unquoted)
    if len(plain) <= 80:
        return f"{word} {name}{plain}"
    inside, _, after = plain[1:].rpartition(")")
    lines = ",\n    ".join(_split(inside))
    return f"{word} {name}(\n    {lines},\n){after}"


def _split(words: str) -> Iterator[str]:
    """At the commas outside of brackets."""
    depth, start = 0, 0
    for at, letter in enumerate(words):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            yield words[start:at].strip()
            start = at + 1
    yield words[start:].strip()


def _first(module: Any) -> str:
    return _one_line(inspect.getdoc(module) or "")


def tables() -> str:
    """Every CSV under docs/data: title and command from its first lines, then the rows."""
    return "\n".join(map(table, sorted(DATA.glob("*.csv"))))


def table(path: Path) -> str:
    """One file as a section. Its lines `# title: …`, `# command: …` and `# note: …` come first."""
    lines = path.read_text().splitlines()
    facts = dict(
        line[1:].strip().split(": ", 1) for line in lines if line.startswith("# ") and ": " in line
    )
    rows = list(csv.reader(io.StringIO("\n".join(x for x in lines if not x.startswith("#")))))
    head, body = rows[0], rows[1:]
    out = [f"## {facts['title']}", "", f"    {facts['command']}", ""]
    out += [facts["note"], ""] if "note" in facts else []
    out += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    out += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in body]
    return "\n".join([*out, ""])


GENERATED: dict[str, Callable[[], str]] = {"commands": commands, "api": api, "tables": tables}
