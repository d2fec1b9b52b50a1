"""What a package promises beside its code."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("src", "passes", "cost_model", "ilp", "rl_agent", "native", "examples", "benchmarks")
SOURCES = sorted({path.resolve() for name in FOLDERS for path in (ROOT / name).rglob("*.py")})
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {"jax", "jaxlib", "numba", "pulp", "highspy", "matplotlib", "bokeh", "mctx", "keras"}

LOADED = """
import json, sys
sys.argv = ["cosmalloc", *WORDS]
try:
    STATEMENT
except SystemExit:
    pass
print("modules:" + json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(statement: str, *words: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after a statement."""
    script = LOADED.replace("STATEMENT", statement).replace("WORDS", repr(list(words)))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.rpartition("modules:")[2]))


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert HEAVY & loaded("import cosmalloc") == set()


COMMAND = "from cosmalloc.cli import main; main()"


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("map", "--help"), ("targets",)])
def test_a_command_without_work_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    assert HEAVY & loaded(COMMAND, *words) == set()


def test_every_public_name_is_there() -> None:
    import cosmalloc
    from cosmalloc import passes

    for package in (cosmalloc, passes):
        for name in package.__all__:
            assert getattr(package, name) is not None
    assert not hasattr(passes, "nothing")


def test_every_source_file_says_what_it_is() -> None:
    assert len(SOURCES) > 100
    silent = [path for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] == PROJECT["version"] == version("cosmalloc")


def test_what_the_build_needs_is_what_the_tests_use() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    pinned = [word for word in build if word.startswith("nanobind")]
    assert pinned == [w for w in PROJECT["optional-dependencies"]["dev"] if "nanobind" in w]


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "src/cosmalloc/py.typed").is_file()
    assert (ROOT / "src/cosmalloc/_native.pyi").is_file()


def test_links_to_the_top_folders_are_relative_and_whole() -> None:
    links = [path for path in (ROOT / "src/cosmalloc").iterdir() if path.is_symlink()]
    assert {link.name for link in links} >= {"passes", "cost_model", "ilp", "rl_agent", "native"}
    for link in links:
        assert not link.readlink().is_absolute()
        assert (link / "__init__.py").is_file()


def tracked() -> list[Path]:
    """The files of the repository; where it is none (an archive), the test has nothing to say."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no repository here")
    done = subprocess.run(
        [git, "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    names = (name for name in done.stdout.decode().split("\0") if name)
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_no_file_names_a_folder_of_somebody_s_machine() -> None:
    private = re.compile(rb"/(home|root|Users|work|mnt|media)/\w")
    assert [path for path in tracked() if private.search(path.read_bytes())] == []


def test_no_file_of_the_repository_is_large() -> None:
    large = {path.name for path in tracked() if path.stat().st_size > 1_000_000}
    assert large <= {"cpu.parquet", "cpu.safetensors"}  # what was measured, and learned from it
    assert all(path.stat().st_size < 5_000_000 for path in tracked())
