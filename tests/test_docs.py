"""What the pages under docs/ show is what happens: every block runs, every printed line is real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import generate
from tests.doc_blocks import Block, Reader, alike, blocks

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
RUN = {"python", "console"}


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(DOCS)) for page in PAGES])
def test_a_page_does_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("examples", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    reader = Reader(page)
    reader.read()
    found = [block for block in blocks(page.read_text()) if block.language in RUN]
    assert reader.ran >= sum(not block.skipped for block in found)


def test_a_printed_line_may_leave_out_what_changes() -> None:
    assert alike(["a … c", "…", "end"], ["a b c", "1", "2", "end"])
    assert alike(["…"], [])
    assert not alike(["a"], ["a", "b"])
    assert not alike(["a", "b"], ["a"])
    assert not alike(["a…c"], ["a d"])


def test_a_block_says_why_it_is_not_run() -> None:
    page = "```python\n# skip: needs a network\nx\n```\n\n```python\n# skip:\nx\n```\n"
    first, second = blocks(page)
    assert first.skipped
    assert not second.skipped
    assert (second.near, first.line) == (True, 1)


def test_a_page_that_is_wrong_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    for text in (
        "```python\nprint(1)\n```\n\n```text\n2\n```\n",
        "```console\n$ cosmalloc targets --no-such\n```\n",
        "```console\n$ cosmalloc --version\ncosmalloc 99\n```\n",
        "```console\n$ rm -r x\n```\n",
    ):
        page.write_text(text)
        with pytest.raises(AssertionError):
            Reader(page).read()


def test_every_page_has_a_place_in_the_navigation() -> None:
    config = {"nav": [{"Home": "index.md"}, {"Facts": [{"The laws": "laws.md"}]}]}
    found = list(generate.listed(generate.on_config(config)["nav"]))
    assert sorted(found) == sorted(str(page.relative_to(DOCS)) for page in PAGES)


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        for link in re.findall(r"\]\((?!http)([^)#\s]+)[^)]*\)", text):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_mark_of_a_page_is_replaced() -> None:
    marks = [mark for page in PAGES for mark in generate.MARK.findall(page.read_text())]
    assert sorted(marks) == sorted(generate.GENERATED)
    for page in PAGES:
        assert generate.MARK.search(generate.on_page_markdown(page.read_text())) is None


def test_the_commands_are_all_told() -> None:
    told = generate.commands()
    for name in ("map", "solve", "verify", "compare", "explain", "sweep", "doctor"):
        assert f"### {name}\n" in told
    assert "--scratchpad" in told


def test_the_reference_has_a_text_for_every_public_name() -> None:
    told = generate.api()
    assert "### cosmalloc.map_model\n" in told
    assert "class Plan(" in told
    assert "```text\n\n```" not in told
    assert "0x" not in told


def test_every_table_names_its_command() -> None:
    tables = sorted((DOCS / "data").glob("*.csv"))
    assert tables
    for path in tables:
        shown = generate.table(path)
        assert re.search(r"^    (python -m benchmarks|cosmalloc )", shown, re.MULTILINE)
        widths = {line.count("|") for line in shown.splitlines() if line.startswith("|")}
        assert len(widths) == 1


def test_skips_are_few() -> None:
    every: list[Block] = [b for page in PAGES for b in blocks(page.read_text())]
    run = [block for block in every if block.language in RUN]
    assert sum(block.skipped for block in run) <= len(run) / 4
