"""Kernels timed by a process that may die, kept in a journal that may be cut short."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cosmalloc.cost_model import campaign, dataset, machine
from cosmalloc.cost_model.kernel import digest
from cosmalloc.cost_model.measuring import Timer, measure_all, read_journal
from cosmalloc.errors import InputError
from tests.cost_rows import LABELS, Quick, kernel, row


@pytest.fixture(scope="module")
def timer() -> Iterator[Timer]:
    with Timer("cpu") as found:
        yield found


def test_a_kernel_has_seconds_and_bytes_of_code(timer: Timer) -> None:
    answer = timer.time(kernel("negate"))
    assert answer["seconds"] > 0
    assert answer["spread"] >= 0
    assert answer["code_bytes"] > 0


def test_what_the_compiler_says_about_a_bad_kernel_is_its_label(timer: Timer) -> None:
    answer = timer.time("func.func @main() {")
    assert set(answer) == {"error"}


def test_the_process_that_dies_takes_one_kernel_with_it(timer: Timer) -> None:
    timer.time(kernel("negate"))
    assert timer._process is not None
    os.kill(timer._process.pid, signal.SIGKILL)
    timer._process.wait()
    assert timer.time(kernel("abs")) == {"error": "the compiler crashed"}
    assert "seconds" in timer.time(kernel("abs"))


def test_a_kernel_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with Timer("cpu", limit_seconds=0.01) as slow:  # it is not even imported by then
        assert slow.time(kernel("negate")) == {"error": "over 0.01 s"}
        assert slow._process is None


def test_a_device_that_is_not_there_is_a_sentence() -> None:
    with Timer("gpu") as absent, pytest.raises(InputError, match="device `gpu` can't be timed"):
        machine.about(absent, "cosmalloc cost measure", "2026-01-01")


def test_the_machine_is_told(timer: Timer, tmp_path: Path) -> None:
    found = machine.about(timer, "cosmalloc cost measure", "2026-01-01")
    assert found["launch_seconds"] > 0
    assert found["machine"]
    cpus = tmp_path / "cpuinfo"
    cpus.write_text("processor\t: 0\nmodel name\t: Abacus 3000\n")
    assert machine.processor(cpus) == "Abacus 3000"


def test_flags_reach_the_compiler() -> None:
    flags = "--xla_cpu_max_isa=SSE4_2"
    found = Timer("cpu", flags=flags).environment()
    assert found["XLA_FLAGS"] == f"--xla_cpu_multi_thread_eigen=false {flags}"
    assert found["JAX_PLATFORMS"] == "cpu"
    assert Timer("gpu").environment()["JAX_PLATFORMS"] == ""
    with Timer("cpu", flags="--xla_no_such_flag=1") as wrong:
        assert wrong.time(kernel("negate")) == {"error": "the compiler crashed"}


def test_a_run_that_was_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    rows = [row(name) for name in ("negate", "abs", "sine")]
    first, second = Quick(), Quick()
    begun = measure_all(iter(rows), journal, first)
    next(begun)
    next(begun)
    begun.close()  # as if killed here
    found = list(measure_all(rows, journal, second))
    assert first.asked == [rows[0]["text"], rows[1]["text"]]
    assert second.asked == [rows[2]["text"]]
    assert [each["text"] for each in found] == [each["text"] for each in rows]


def test_a_last_line_that_was_cut_short_is_measured_again(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    rows = [row(name) for name in ("negate", "abs")]
    list(measure_all(rows, journal, Quick()))
    whole = journal.read_bytes()
    for cut in (1, 20, len(whole.splitlines()[1])):
        journal.write_bytes(whole[:-cut])
        assert list(read_journal(journal)) == [digest(rows[0]["text"])]
        timer = Quick()
        list(measure_all(rows, journal, timer))
        assert timer.asked == [rows[1]["text"]]
        assert journal.read_bytes() == whole
    journal.write_bytes(whole.splitlines()[0][:-4])
    assert read_journal(journal) == {}


def test_a_kernel_that_two_models_share_is_timed_once_and_tested(tmp_path: Path) -> None:
    timer = Quick()
    rows = [row("negate", "resnet"), row("negate", "unet"), row("abs", "resnet")]
    found = list(campaign.measured(rows, tmp_path / "journal", timer))
    assert len(timer.asked) == 2
    assert [each["family"] for each in found] == ["resnet", "unet", "resnet"]
    data = campaign.collected(found, {"launch_seconds": 1e-6})
    assert sorted(zip(data.family, data.split, strict=True)) == [
        ("resnet", "train"),
        ("unet", "test"),
    ]


def test_kernels_that_failed_are_counted_and_left_out(tmp_path: Path) -> None:
    good = row("negate") | LABELS | {"digest": "a"}
    bad = row("abs") | {"digest": "b", "error": "over 60 s"}
    data = campaign.collected([good, bad], {})
    assert len(data) == 1
    assert data.about == {"failed": 1}
    with pytest.raises(InputError, match="no kernel was timed: over 60 s"):
        campaign.collected([bad], {})


def test_noise_is_the_distance_of_two_timings() -> None:
    def timed(seconds: tuple[float, ...]) -> dataset.Dataset:
        rows = [row(name) | LABELS for name in ("negate", "abs", "sine")]
        return dataset.from_rows(
            [each | {"seconds": s} for each, s in zip(rows, seconds, strict=False)], {}
        )

    found = campaign.noise(timed((1.0, 1.0, 1.0)), timed((1.0, float(np.e), float(np.exp(-2)))))
    assert (found.kernels, found.median, found.mean) == (3, pytest.approx(1), pytest.approx(1))
    with pytest.raises(InputError, match="no kernel in common"):
        campaign.noise(timed((1.0,)), timed(()))


def test_a_dataset_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    rows = [row("negate") | LABELS, row("abs", "unet") | LABELS]
    dataset.save(dataset.from_rows(rows, {"machine": "abacus"}), path)
    back = dataset.load(path)
    assert back.about == {"machine": "abacus"}
    assert back.only("test").text == (kernel("abs"),)
    assert list(back.seconds) == [1e-6, 1e-6]
    assert len(campaign.again_rows(back, 5, seed=1)) == 2


def test_files_that_are_no_dataset_are_refused(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "data.parquet"
    with pytest.raises(InputError, match="does not exist"):
        dataset.load(path)
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match="can't be read"):
        dataset.load(path)
    pyarrow.parquet.write_table(pyarrow.table({"text": ["x"]}), path)
    with pytest.raises(InputError, match="no file of measured kernels"):
        dataset.load(path)
    about = {"cosmalloc": json.dumps({"format": dataset.FORMAT})}
    table = pyarrow.table({"text": ["x"]}).replace_schema_metadata(about)
    pyarrow.parquet.write_table(table, path)
    with pytest.raises(InputError, match="can't be read"):
        dataset.load(path)
