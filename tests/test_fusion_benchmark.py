"""The fusion benchmark looks at legal fusions, and its tables say what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import fusion, fusion_tables
from benchmarks.fusion_measured import Measured
from benchmarks.fusion_neighbourhoods import LARGEST, copied, neighbourhoods
from benchmarks.fusion_sequence import SequenceTimer
from cosmalloc.cost_model.kernel import digest
from cosmalloc.cost_model.measuring import Timer
from cosmalloc.passes import Pipeline, context
from cosmalloc.passes.group_merges import fuse
from cosmalloc.passes.group_search import legal_merges
from tests.fake_cost import Fake
from tests.test_group_learned import ARTIFACTS, fickle, prepared, state_of


def lines(text: str) -> float:
    """Seconds by the lines of the text: every merge gains."""
    return text.count("\n") * 1e-6


PREDICTORS = {"roofline": Fake(lines, spread=0.0), "learned": Fake(fickle, spread=0.0)}


@pytest.mark.parametrize("name", ["decode_step", "transformer_layer"])
def test_every_variant_is_a_partition_that_legal_merges_make(name: str) -> None:
    module = prepared(ARTIFACTS / f"{name}.mlirbc")
    with module.context, module.operation.location:
        state, goal = state_of(module), state_of(module)
        fuse(goal)
        found = list(neighbourhoods(state, goal, count=12, variants=8, seed=1))
        assert found == list(neighbourhoods(state, goal, count=12, variants=8, seed=1))
        assert len(found) == 12
        for near in found:
            apart = near.variants[0]
            assert 2 <= len(apart) <= LARGEST
            assert all(len(members) == 1 for members in apart)
            assert 2 <= len(near.variants) <= 8
            assert len(set(near.variants)) == len(near.variants)
            for variant in near.variants:
                assert sorted(m for members in variant for m in members) == sorted(
                    m for members in apart for m in members
                )
                reached = copied(state)
                for members in variant:
                    while True:
                        inside = [
                            pair
                            for pair in legal_merges(reached, set(members) & set(reached.members))
                            if pair[1] in members
                        ]
                        if not inside:
                            break
                        reached.merge(*inside[0])
                    assert sorted(reached.members[max(members)]) == list(members)
            ruled = near.variants[near.rule]
            assert all(len({goal.root(m) for m in members}) == 1 for members in ruled)


def test_a_model_is_asked_about_by_every_way() -> None:
    one = fusion.asked(ARTIFACTS / "decode_step.mlirbc", PREDICTORS, limit=5, seed=0)
    assert one.model == "decode_step"
    assert set(one.ways) == set(fusion.WAYS)
    assert len(one.ways["single"]) > len(one.ways["fuse"]) > len(one.ways["roofline"]) > 0
    needed = {key for keys in one.ways.values() for key in keys}
    needed |= {key for place in one.places for variant in place.variants for key in variant}
    assert needed == set(one.texts)
    for place in one.places:
        assert place.choice["single"] == 0
        for way, predictor in PREDICTORS.items():
            totals = [
                sum(predictor.predict([one.texts[key] for key in variant]).seconds)
                for variant in place.variants
            ]
            assert totals[place.choice[way]] <= totals[0]


def test_regret_is_how_much_slower_the_choice_is_than_the_quickest() -> None:
    labels: dict[str, dict[str, Any]] = {
        key: {"seconds": seconds} for key, seconds in (("a", 1.0), ("b", 2.0), ("ab", 2.0))
    }
    choice = {"single": 0, "fuse": 1, "roofline": 0, "learned": 1}
    place = fusion.Place((("a", "b"), ("ab",)), choice)
    found = fusion.regrets([place], labels)
    assert found == {"single": [0.5], "fuse": [0.0], "roofline": [0.5], "learned": [0.0]}
    row = fusion.regret_row("m", found)
    assert row[:5] == ["m", "1", "50.0%", "50.0%", "0%"]
    assert row[5:8] == ["0.0%", "0.0%", "100%"]
    failed = labels | {"b": {"error": "over 60 s"}}
    none = fusion.regrets([place], failed)
    assert none == {way: [] for way in fusion.WAYS}
    assert fusion.regret_row("m", none) == ["m", "0", *["-"] * 12]
    ways = {"single": ["a", "b"], "fuse": ["ab"], "roofline": ["a"], "learned": ["a"]}
    programs = {way: f"the program by {way}" for way in ways}
    runs = {digest(text): {"seconds": 4.0} for text in programs.values()}
    one = fusion.Asked("m", ways, programs, [place], {})
    row = fusion.model_row(one, labels | runs)
    assert row[:7] == ["m", "2", "3.000 s", "4.000 s", "1", "2.000 s", "4.000 s"]
    assert row[-2:] == ["-50.0%", "+0.0%"]
    assert len(row) == len(fusion.time_head(ways))
    assert fusion.model_row(one, failed | runs)[2] == "-"


def test_what_was_timed_is_not_timed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def time(_self: Timer, text: str) -> dict[str, Any]:
        asked.append(text)
        return {"seconds": len(text) * 1e-6}

    monkeypatch.setattr(Timer, "time", time)
    monkeypatch.setattr(SequenceTimer, "time", time)
    words: Sequence[str] = ("--models", "cnn", "--limit", "3", "--cost", "roofline")
    words = (*words, "--journal", str(tmp_path / "journal"), "--csv", str(tmp_path))
    assert fusion.main(list(words)) == 0
    first = capsys.readouterr().out
    count = len(asked)
    assert count > 10
    assert fusion.main(list(words)) == 0
    assert len(asked) == count
    assert capsys.readouterr().out == first
    lines = (tmp_path / "fusion.csv").read_text().splitlines()
    assert lines[0].startswith("# title: ")
    assert lines[1] == "# command: python -m benchmarks.fusion --csv docs/data"
    assert len(lines) == 5
    assert (tmp_path / "fusion-regret.csv").read_text().splitlines()[-1].startswith("all,3,")


def test_a_search_by_the_clock_ends_no_later_than_where_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def time(_self: Timer, text: str) -> dict[str, Any]:
        asked.append(text)
        return {"error": "over 60 s"} if "reduce_window" in text else {"seconds": fickle(text)}

    monkeypatch.setattr(Timer, "time", time)
    measured = Measured(Timer(), tmp_path / "journal")
    one = fusion.asked(
        ARTIFACTS / "cnn.mlirbc", PREDICTORS | {"measured": measured}, limit=2, seed=0
    )
    assert list(one.ways) == [*fusion.WAYS, "measured"]
    assert all(set(place.choice) == set(fusion.WAYS) for place in one.places)
    texts = (*one.texts.values(), *one.programs.values())
    labels = {digest(text): {"seconds": fickle(text)} for text in texts}
    seconds = {way: fusion_tables.total(keys, labels) for way, keys in one.ways.items()}
    assert seconds["measured"] <= seconds["single"]
    assert len(asked) == len(set(asked))
    found = measured.predict([text for text in asked if "reduce_window" in text])
    assert np.isinf(found.seconds).all()
    assert len(fusion.model_row(one, labels)) == len(fusion.time_head(one.ways))


def test_a_program_runs_from_its_first_to_its_last_kernel() -> None:
    module = prepared(ARTIFACTS / "cnn.mlirbc")
    Pipeline.parse("group-operators{policy=single}").run(module)
    timer = SequenceTimer()
    assert timer.time(context.to_text(module))["seconds"] > 0
    assert "error" in timer.time("no program")
