"""`doctor` says what is there and fails where the self-test fails."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import cosmalloc.doctor as door
from cosmalloc.doctor import EXTRAS, REQUIRED, TRIALS, examine
from tests.command import cosmalloc

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]


def test_everything_that_is_required_is_there_and_the_self_test_passes() -> None:
    report = examine()
    assert [package.name for package in report.packages] == list(REQUIRED)
    assert all(package.version for package in report.packages)
    assert {trial.name: trial.trouble for trial in report.trials} == dict.fromkeys(TRIALS, "")
    assert report.healthy


def test_it_knows_the_packages_and_extras_of_the_project() -> None:
    wanted = {word.partition("[")[0].partition(">")[0] for word in PROJECT["dependencies"]}
    assert {word.partition("=")[0] for word in wanted} <= set(REQUIRED)
    assert {*PROJECT["optional-dependencies"]} - {"dev"} <= set(EXTRAS)


def test_an_extra_whose_package_is_missing_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "EXTRAS", {"none": (("no-such-package-here", "nothing"),)})
    (extra,) = examine({}).extras
    assert not extra.works
    assert extra.trouble == "not installed: no-such-package-here"


def test_an_extra_without_its_module_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "EXTRAS", {"odd": (("numpy", "no_such_module_here"),)})
    (extra,) = examine({}).extras
    assert not extra.works
    assert extra.trouble == "no module `no_such_module_here`"


def _broken() -> None:
    raise RuntimeError("the native extension is damaged\nmore lines")


def test_a_failed_self_test_ends_in_exit_1_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "TRIALS", {"fine": lambda: None, "native": _broken})
    done = cosmalloc("doctor")
    assert done.code == 1
    assert done.err == (
        "error: self-test `native`: RuntimeError: the native extension is damaged\n"
    )
    assert cosmalloc("doctor", "--json").json["healthy"] is False


def test_the_command_tells_it_to_people_and_machines() -> None:
    done = cosmalloc("doctor")
    assert done.code == 0
    assert "extra picture" in done.out
    answer = cosmalloc("doctor", "--json").json
    assert answer["healthy"] is True
    assert {extra["name"] for extra in answer["extras"]} == set(EXTRAS)
