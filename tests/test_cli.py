"""The commands: what they print and write, and how they exit."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from command import cosmalloc
from tiny import TINY

import cosmalloc as face
from cosmalloc.cli.app import app
from cosmalloc.interchange import read_outcome, read_problem
from cosmalloc.passes import context, read_plan
from cosmalloc.passes.plan_out import canonical

ARTIFACTS = Path(__file__).parent.parent / "examples/models/artifacts"
CNN = ARTIFACTS / "cnn.mlirbc"


def commands(group: Any, words: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by the words that call it, those of groups too."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{words}{name} ")
        else:
            yield f"{words}{name}", command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(TINY))
    return path


def outside(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """`cosmalloc WORDS…` as its users run it."""
    command = [str(Path(sys.executable).parent / "cosmalloc"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def without_seconds(path: Path) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(path.read_text())
    del plan["seconds"]
    for moment in plan["history"]:
        del moment["seconds"]
    return plan


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One model as portable artifact, bytecode and text."""
    folder = tmp_path_factory.mktemp("forms")
    module = context.parse(CNN.read_bytes(), "cnn")
    (folder / "bytecode.mlirbc").write_bytes(context.to_bytecode(module))
    named = cosmalloc("opt", CNN, "--passes", "inline")
    (folder / "text.mlir").write_text(named.out)
    return {"portable": CNN, "bytecode": folder / "bytecode.mlirbc", "text": folder / "text.mlir"}


@pytest.mark.parametrize("suffix", ["mlir", "mlirbc"])
@pytest.mark.parametrize("form", ["portable", "bytecode", "text"])
def test_map_takes_every_form_and_writes_files_that_agree(
    forms: dict[str, Path], form: str, suffix: str, tmp_path: Path
) -> None:
    out, problem, plan = (tmp_path / n for n in (f"out.{suffix}", "problem.json", "plan.json"))
    options = ("--solver", "greedy", "--scratchpad", "16KiB", "--name", "cnn")
    files = ("-o", out, "--problem", problem, "--plan", plan)
    done = cosmalloc("map", forms[form], *options, *files, "--json")
    assert (done.code, done.err) == (0, "")
    assert out.read_bytes().startswith(context.PORTABLE_MAGIC) == (suffix == "mlirbc")
    found, outcome = read_plan(context.parse(out.read_bytes(), "out"))
    assert found == read_problem(problem)
    told = read_outcome(plan, found)
    assert told.plan is not None
    assert outcome.plan == canonical(told.plan)
    assert face.verify(found, told.plan) == []
    numbers = done.json
    assert numbers["operators"] == len(found.operators)
    assert numbers["tensors"] == len(found.tensors)
    assert numbers["tracked_tensors"] == sum(t.tracked for t in found.tensors)
    assert numbers["residencies"] == len(told.plan.residencies)
    assert numbers["transfers"] == len(told.plan.transfers)
    assert numbers["status"] == told.status
    assert numbers["objective"] == {"kind": "traffic", "value": told.value, "bound": told.bound}
    assert numbers["latency_seconds"] == face.simulate(found, told.plan).latency


def test_the_three_forms_are_one_problem(forms: dict[str, Path], tmp_path: Path) -> None:
    problems = []
    for form, path in forms.items():
        written = tmp_path / f"{form}.json"
        done = cosmalloc("map", path, "--solver", "greedy", "--name", "m", "--problem", written)
        assert done.code == 0
        problems.append(read_problem(written))
    assert problems[0] == problems[1] == problems[2]


def test_map_prints_a_summary_on_stdout_and_nothing_else() -> None:
    done = cosmalloc("map", CNN, "--solver", "greedy")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^cnn +$", done.out, re.MULTILINE)
    assert re.search(r"program +6 operators, 18 tensors \(7 planned\)", done.out)
    assert re.search(r"objective +traffic 0B \(no plan is below 0B\)", done.out)


@pytest.mark.parametrize(
    ("option", "word", "key"),
    [
        ("--scratchpad", "16KiB", 16384),
        ("--scratchpad", "70000", 70000),
    ],
)
def test_options_of_the_machine_reach_the_problem(option: str, word: str, key: int) -> None:
    done = cosmalloc("map", CNN, option, word, "--json", "--solver", "greedy")
    assert done.json["scratchpad_bytes"] == key
    assert done.json["target"] == "custom"


@pytest.mark.parametrize("objective", ["traffic", "latency", "peak"])
@pytest.mark.parametrize("rule", ["resident", "anywhere"])
def test_objectives_and_operand_rules_reach_the_solver(objective: str, rule: str) -> None:
    words = ("--objective", objective, "--operand-rule", rule, "--json", "--solver", "greedy")
    numbers = cosmalloc("map", CNN, *words).json
    assert (numbers["objective"]["kind"], numbers["operand_rule"]) == (objective, rule)


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (("--group", "none"), "operators", 28),
        (("--track", "all"), "tracked_tensors", 18),
        (("--weights", "nothing"), "tracked_tensors", 18),
        (("--bytes-per-element", "1"), "compulsory_bytes", 778),
        (("--name", "mine"), "problem", "mine"),
    ],
)
def test_options_of_the_reading_reach_the_problem(
    words: tuple[str, ...], key: str, value: object
) -> None:
    done = cosmalloc("map", CNN, *words, "--json", "--solver", "greedy")
    assert done.json[key] == value


@pytest.mark.parametrize("solver", ["greedy", "auto"])
def test_the_same_seed_gives_the_same_files(solver: str, tmp_path: Path) -> None:
    model = ARTIFACTS / "decode_step.mlirbc"
    for turn in ("one", "two"):
        words = ("--scratchpad", "288KiB", "--seed", 7, "--track", "all", "--solver", solver)
        files = ("-o", tmp_path / f"{turn}.mlir", "--plan", tmp_path / f"{turn}.json")
        assert cosmalloc("map", model, *words, *files).code == 0
    assert (tmp_path / "one.mlir").read_bytes() == (tmp_path / "two.mlir").read_bytes()
    plans = [(tmp_path / f"{turn}.json").read_bytes() for turn in ("one", "two")]
    timeless = [re.sub(rb'"seconds": [\d.e-]+', b"", plan) for plan in plans]
    assert timeless[0] == timeless[1] != plans[0]


def test_a_written_problem_solves_to_the_same_plan(tmp_path: Path) -> None:
    problem, plan, again = (tmp_path / n for n in ("problem.json", "plan.json", "again.json"))
    cosmalloc("map", CNN, "--problem", problem, "--plan", plan, "--solver", "greedy")
    assert cosmalloc("solve", problem, "-o", again, "--solver", "greedy").code == 0
    assert without_seconds(plan) == without_seconds(again)


@pytest.mark.parametrize("name", ["mlp", "cnn", "recurrent", "decode_step", "transformer_layer"])
def test_the_smallest_scratchpad_does_and_one_byte_less_does_not(name: str) -> None:
    def at(size: int | str) -> Any:
        return cosmalloc(
            "map", ARTIFACTS / f"{name}.mlirbc", "--scratchpad", size, "--solver", "greedy"
        )

    none = at(16)
    assert none.code == 1
    found = re.fullmatch(
        r"no plan: operator (\d+) \(`(\w+)`\) needs ([\d,]+) bytes on chip at once,"
        r" the scratchpad has 16\n"
        r"hint: `--scratchpad (\d+)` \(\S+\) is the least that does,"
        r" or use a target whose operand rule is `anywhere`\n",
        none.err,
    )
    assert found is not None
    least = int(found[4])
    assert least == int(found[3].replace(",", ""))
    assert at(least).code == 0
    short = at(least - 1)
    assert short.code == 1
    assert f"--scratchpad {least}" in short.err


def test_no_plan_leaves_a_plan_file_that_says_so_and_no_module(tmp_path: Path) -> None:
    out, plan = tmp_path / "out.mlir", tmp_path / "plan.json"
    words = ("--scratchpad", "1KiB", "-o", out, "--plan", plan, "--json", "--solver", "greedy")
    done = cosmalloc("map", CNN, *words)
    assert done.code == 1
    assert not out.exists()
    written = json.loads(plan.read_text())
    assert written["status"] == done.json["status"] == "infeasible"
    assert written["smallest_scratchpad"] == done.json["smallest_scratchpad"] > 1024
    assert written["order"] == []


def test_under_anywhere_the_hint_names_no_other_rule(tiny: Path) -> None:
    words = ("--operand-rule", "anywhere", "--scratchpad", "0", "--objective", "peak")
    done = cosmalloc("solve", tiny, *words, "--solver", "greedy")
    assert "operand rule is" not in done.err


def test_solve_verify_and_simulate_agree(tiny: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    solved = cosmalloc("solve", tiny, "-o", plan, "--json", "--solver", "greedy")
    assert solved.code == 0
    assert solved.json["latency_seconds"] == 10.75
    judged = cosmalloc("verify", tiny, plan)
    assert (judged.code, judged.out) == (0, "legal: 2 residencies keep all seven laws\n")
    assert cosmalloc("verify", tiny, plan, "--json").json == {"legal": True, "faults": []}
    timeline = cosmalloc("simulate", tiny, plan, "--json").json
    assert timeline["latency"] == 10.75
    assert (timeline["step_start"], timeline["step_stop"]) == ([2.0], [2.75])
    shown = cosmalloc("simulate", tiny, plan)
    assert re.search(r"latency +10\.750 s", shown.out)
    assert re.search(r"stalls +10\.000 s at 2 borders", shown.out)


def test_solve_takes_another_machine_and_writes_the_problem_it_solved(
    tiny: Path, tmp_path: Path
) -> None:
    changed, plan = tmp_path / "changed.json", tmp_path / "plan.json"
    words = ("--scratchpad", "48", "--alignment", "8", "--problem", changed, "-o", plan)
    assert cosmalloc("solve", tiny, *words, "--solver", "greedy").code == 0
    assert read_problem(changed).target.scratchpad_bytes == 48
    assert cosmalloc("verify", changed, plan).code == 0
    assert cosmalloc("verify", tiny, plan).code == 2  # a plan for another problem


def test_verify_names_every_fault_and_exits_1(tiny: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    cosmalloc("solve", tiny, "-o", plan, "--solver", "greedy")
    entry = json.loads(plan.read_text())
    for residency in entry["residencies"]:
        residency["offset"] = 8
    entry["transfers"] = entry["transfers"][:1]
    plan.write_text(json.dumps(entry))
    done = cosmalloc("verify", tiny, plan)
    assert done.code == 1
    assert done.out.splitlines() == [
        "law 2: residency 0 of tensor 0 (`x`) has bytes [8, 24) and residency 1 of tensor 1 (`y`)"
        " bytes [8, 40), both in steps [0, 1)",
        "law 3: residency 0 of tensor 0 (`x`) has offset 8, no multiple of the alignment 16",
        "law 3: residency 1 of tensor 1 (`y`) has offset 8, no multiple of the alignment 16",
        "law 7: output tensor 1 (`y`) never ends off-chip",
    ]
    judged = cosmalloc("verify", tiny, plan, "--json")
    assert judged.code == 1
    assert [fault["law"] for fault in judged.json["faults"]] == [2, 3, 3, 7]
    lines = [f"law {fault['law']}: {fault['message']}" for fault in judged.json["faults"]]
    assert lines == done.out.splitlines()


def test_targets_lists_and_shows_machines(tmp_path: Path) -> None:
    listed = cosmalloc("targets")
    assert listed.code == 0
    for name in face.target_names():
        assert re.search(rf"^ +{name} ", listed.out, re.MULTILINE)
    machines = cosmalloc("targets", "--json").json
    assert sorted(machines) == sorted(face.target_names())
    assert cosmalloc("targets", "npu-2mib", "--json").json == machines["npu-2mib"]
    assert re.search(r"scratchpad_bytes +2097152", cosmalloc("targets", "npu-2mib").out)
    keys = {k: v for k, v in machines["tpu-v4"].items() if v is not None}
    own = tmp_path / "own.toml"
    own.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items()))
    assert cosmalloc("targets", own, "--json").json == machines["tpu-v4"]


TEXT = b"""func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = func.call @twice(%a) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @twice(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %a, %a : tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""
INLINED = """module {
  func.func @main(%arg0: tensor<4xf32> {mem.name = "arg0"}) -> tensor<4xf32> {
    %0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}
"""


def test_opt_reads_stdin_and_writes_stdout() -> None:
    done = cosmalloc("opt", "-", "--passes", "inline", stdin=TEXT)
    assert (done.code, done.out, done.err) == (0, INLINED, "")


def test_opt_reads_a_file_and_writes_one(tmp_path: Path) -> None:
    (tmp_path / "in.mlir").write_bytes(TEXT)
    done = cosmalloc("opt", tmp_path / "in.mlir", "--passes", "inline", "-o", tmp_path / "out.mlir")
    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "out.mlir").read_text() == INLINED


def test_opt_may_write_what_it_read(tmp_path: Path) -> None:
    path = tmp_path / "in.mlir"
    path.write_bytes(TEXT)
    assert cosmalloc("opt", path, "--passes", "inline", "-o", path).code == 0
    assert path.read_text() == INLINED


def test_opt_tells_machines_what_it_made() -> None:
    done = cosmalloc("opt", "-", "--passes", "inline", "--json", stdin=TEXT)
    assert done.json == {"name": "model", "passes": "inline", "output": None, "module": INLINED}


def test_opt_prints_locations_where_asked() -> None:
    assert "loc(" not in cosmalloc("opt", CNN, "--passes", "inline").out
    assert "loc(" in cosmalloc("opt", CNN, "--passes", "inline", "--locations").out


def test_a_mapped_module_is_mapped_again_once_stripped(tmp_path: Path) -> None:
    first, bare, second = (tmp_path / n for n in ("first.mlir", "bare.mlir", "second.mlir"))
    plans = tmp_path / "first.json", tmp_path / "second.json"
    words = ("--scratchpad", "16KiB", "--name", "cnn", "--solver", "greedy")
    assert cosmalloc("map", CNN, *words, "-o", first, "--plan", plans[0]).code == 0
    assert cosmalloc("opt", first, "--passes", "strip-memory", "-o", bare).code == 0
    assert cosmalloc("map", bare, *words, "-o", second, "--plan", plans[1]).code == 0
    assert without_seconds(plans[0]) == without_seconds(plans[1])
    mains = [path.read_text().partition("func.func public @main")[2] for path in (first, second)]
    assert mains[0] == mains[1]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_and_argument_has_a_help_text(command: str) -> None:
    for parameter in COMMANDS[command].params:
        assert parameter.help, f"{command} {parameter.name}"
    shown = cosmalloc(*command.split(), "--help")
    assert shown.code == 0
    assert COMMANDS[command].help in " ".join(shown.out.split())


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_speaks_json(command: str) -> None:
    assert "--json" in {word for p in COMMANDS[command].params for word in p.opts}


def test_help_shows_brackets_as_they_are() -> None:
    assert "[npu-2mib]" in cosmalloc("map", "--help").out


def test_the_version_is_the_package_s() -> None:
    from importlib.metadata import version

    assert cosmalloc("--version").out == f"cosmalloc {version('cosmalloc')}\n"


def test_the_program_s_exit_codes_and_streams(tiny: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    good = outside("solve", tiny, "-o", plan)
    assert (good.returncode, good.stderr) == (0, "")
    none = outside("solve", tiny, "--scratchpad", "32", "--json")
    assert none.returncode == 1
    assert json.loads(none.stdout)["status"] == "infeasible"
    assert none.stderr.startswith("no plan: operator 0 (`double`) needs 48 bytes on chip at once,")
    wrong = outside("solve", tmp_path / "nothing.json")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == (
        f"error: cannot read {tmp_path}/nothing.json: No such file or directory\n"
    )
    usage = outside("solve", tiny, "--nonsense")
    assert (usage.returncode, usage.stdout) == (2, "")
    assert "No such option: --nonsense" in usage.stderr


def test_without_a_terminal_there_is_no_colour(tiny: Path, tmp_path: Path) -> None:
    plain = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "CLICOLOR_FORCE")}
    for words in (
        ("map", CNN),
        ("map", CNN, "--scratchpad", "16"),
        ("targets",),
        ("map", "--help"),
        ("map",),
        ("solve", tiny, "-o", tmp_path),
    ):
        done = outside(*words, env=plain | {"TERM": "xterm-256color"})
        assert "\x1b" not in done.stdout + done.stderr, words


def test_a_reader_that_leaves_early_gets_no_traceback(tiny: Path) -> None:
    command = f"'{Path(sys.executable).parent}/cosmalloc' targets --json | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("{", "")


SLOW = """
import sys, time
from cosmalloc.solve import SOLVERS

def solve(problem, **options):
    print("solving", file=sys.stderr, flush=True)
    while True:
        time.sleep(0.01)

if __name__ == "__main__":
    SOLVERS["slow"] = "slow:solve"
    from cosmalloc.cli import main
    main()
"""


def test_ctrl_c_during_a_solve_ends_quietly_and_writes_nothing(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    plan = tmp_path / "plan.json"
    words = [sys.executable, "slow.py", "solve", str(tiny), "--solver", "slow", "-o", str(plan)]
    child = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    assert child.stderr.readline() == "solving\n"
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (130, "")
    assert not plan.exists()
