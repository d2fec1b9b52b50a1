"""`doctor` says what is there and fails where the self-test fails."""

from __future__ import annotations

from importlib import metadata

import pytest

import cosmalloc.doctor as door
from cosmalloc.doctor import TRIALS, examine, requirements
from tests.command import cosmalloc


def test_everything_that_is_required_is_there_and_the_self_test_passes() -> None:
    report = examine()
    assert {"jax", "numpy", "pulp", "highspy"} <= {package.name for package in report.packages}
    assert all(package.version for package in report.packages)
    assert {trial.name: trial.trouble for trial in report.trials} == dict.fromkeys(TRIALS, "")
    assert report.healthy


def test_requirements_are_read_from_the_package_s_metadata() -> None:
    lines = ["jax<0.12,>=0.10", "pulp[cbc]<4", 'ray>=2; extra == "ray"', 'ruff; extra == "dev"']
    assert requirements([*lines, "pyarrow ; extra=='ray'"]) == {
        "": ["jax", "pulp"],
        "ray": ["ray", "pyarrow"],
    }


def test_an_extra_whose_package_is_missing_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["numpy", 'no-such-package-here; extra == "none"', 'numpy; extra == "some"']
    monkeypatch.setattr(metadata, "requires", lambda _name: lines)
    none, some = examine({}).extras
    assert not none.works
    assert none.trouble == "not installed: no-such-package-here"
    assert some.works


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
    assert "extra bench" in done.out
    answer = cosmalloc("doctor", "--json").json
    assert answer["healthy"] is True
    assert answer["version"] == metadata.version("cosmalloc")
