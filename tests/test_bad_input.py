"""Bad models, options and files: a fact and a hint, exit 2, nothing written, never a traceback."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from command import cosmalloc

from cosmalloc.errors import InputError
from cosmalloc.passes import context

ARTIFACTS = Path(__file__).parent.parent / "examples/models/artifacts"
MLP = ARTIFACTS / "mlp.mlirbc"
FORMS = "give StableHLO as text, MLIR bytecode or a portable artifact (`jax.export`)"
DAMAGED = "the bytes are cut short or damaged; export the model again"
DIALECTS = "only StableHLO, CHLO and func are read; lower other dialects to StableHLO first"
SHAPES = "export with concrete shapes (no symbolic dimensions, no tokens); sizes must be known"
NAME_IT = "name the one to map `main`"


def refused(folder: Path, *words: object, stdin: bytes = b"") -> str:
    """What a command that must fail says; it leaves `folder` as it was and stdout empty."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = cosmalloc(*words, stdin=stdin)
    assert (done.code, done.out) == (2, "")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    return done.err


def says(fact: str, hint: str = "") -> str:
    return f"error: {fact}\n" + (f"hint: {hint}\n" if hint else "")


def outputs(folder: Path) -> tuple[object, ...]:
    return (
        "-o",
        folder / "o.mlir",
        "--problem",
        folder / "problem.json",
        "--plan",
        folder / "p.json",
    )


def function(kind: str, line: str, extra: str = "") -> str:
    """`main` of one operation."""
    return f"""func.func @main(%a: {kind}) -> {kind} {{
  %0 = {line}
  return %0 : {kind}
}}
{extra}"""


F = "tensor<4xf32>"
HUGE = "tensor<1000000x1000000x1000000xf32>"
CALL = f"func.call @f(%a) : ({F}) -> {F}"
UNKNOWN = "is not a module this reader knows: "
MODELS: dict[str, tuple[str, str, str]] = {
    "an empty file": ("", "MODEL is empty", FORMS),
    "blanks": (" \n\n", "MODEL is empty", FORMS),
    "prose": (
        "hello\nworld\n",
        f"MODEL {UNKNOWN}line 1, column 1: custom op 'hello' is unknown"
        " (tried 'builtin.hello' as well)",
        FORMS,
    ),
    "a cut text": (
        function(F, f"stablehlo.abs %a : {F}")[:60],
        f"MODEL {UNKNOWN}line 2, column 5: expected operation name in quotes",
        FORMS,
    ),
    "another dialect": (
        function(F, f"mhlo.abs %a : {F}"),
        f"MODEL {UNKNOWN}line 2, column 8: Dialect `mhlo' not found for custom op 'mhlo.abs'",
        DIALECTS,
    ),
    "an unregistered dialect": (
        function(F, f'"mine.thing"(%a) : ({F}) -> {F}'),
        f"MODEL {UNKNOWN}line 2, column 20: operation being parsed with an unregistered dialect",
        DIALECTS,
    ),
    "an unregistered operation": (
        function(F, f'"stablehlo.nothing"(%a) : ({F}) -> {F}'),
        f"MODEL {UNKNOWN}line 2, column 8: unregistered operation 'stablehlo.nothing' found in"
        " dialect ('stablehlo') that does not allow unknown operations",
        DIALECTS,
    ),
    "arith on tensors": (
        function(F, f"arith.addf %a, %a : {F}"),
        "`arith.addf` at line 2 has no rule",
        "add one to the tables of `passes/rules`",
    ),
    "an unknown custom call": (
        function(F, f"stablehlo.custom_call @mine(%a) : ({F}) -> {F}"),
        "`stablehlo.custom_call` at line 2 calls `mine`, whose cost is unknown",
        "add a rule to `TARGETS` in `passes/rules/custom_call.py`",
    ),
    "quantised types": (
        function("tensor<4x!quant.uniform<i8:f32, 0.5>>", "stablehlo.abs %a"),
        f"MODEL {UNKNOWN}line 1, column 37: "
        '`!"quant"<"uniform<i8:f32, 0.5>">` type created with unregistered dialect',
        DIALECTS,
    ),
    "a dynamic argument": (
        function("tensor<?x4xf32>", "stablehlo.abs %a : tensor<?x4xf32>"),
        "argument 0: type `tensor<?x4xf32>` has no size: its shape is dynamic",
        SHAPES,
    ),
    "an unranked argument": (
        "func.func @main(%a: tensor<*xf32>) -> tensor<*xf32> {\n  return %a : tensor<*xf32>\n}\n",
        "argument 0: type `tensor<*xf32>` has no size: its shape is dynamic",
        SHAPES,
    ),
    "a dynamic result": (
        "func.func @main(%a: tensor<4xf32>, %s: tensor<1xi32>) -> tensor<?xf32> {\n"
        "  %0 = stablehlo.dynamic_reshape %a, %s :"
        " (tensor<4xf32>, tensor<1xi32>) -> tensor<?xf32>\n"
        "  return %0 : tensor<?xf32>\n}\n",
        "`stablehlo.dynamic_reshape` at line 2 takes its shape from data",
        "export with concrete shapes; the pass `stablehlo-refine-shapes` may make it static",
    ),
    "a token made": (
        "func.func @main() -> !stablehlo.token {\n"
        "  %0 = stablehlo.create_token : !stablehlo.token\n"
        "  return %0 : !stablehlo.token\n}\n",
        "`stablehlo.create_token` at line 2 orders side effects by tokens",
        "map the part of the program without host transfers",
    ),
    "a token given": (
        "func.func @main(%t: !stablehlo.token) -> !stablehlo.token {\n"
        "  return %t : !stablehlo.token\n}\n",
        "argument 0: type `!stablehlo.token` has no size: it is no tensor",
        SHAPES,
    ),
    "no function": (
        "module {\n}\n",
        "the module has no function `main` and 0 public functions (none)",
        NAME_IT,
    ),
    "two public functions": (
        f"func.func @f(%a: {F}) -> {F} {{\n  return %a : {F}\n}}\n"
        f"func.func @g(%a: {F}) -> {F} {{\n  return %a : {F}\n}}\n",
        "the module has no function `main` and 2 public functions (`f`, `g`)",
        NAME_IT,
    ),
    "a module inside": (
        f"module {{\n module {{\n func.func @main(%a: {F}) -> {F} {{\n return %a : {F}\n}}\n}}\n}}",
        "the module has no function `main` and 0 public functions (none)",
        NAME_IT,
    ),
    "a declaration": (
        f"func.func private @main(%a: {F}) -> {F}\n",
        "function `main` has no body of one block",
        "",
    ),
    "two blocks": (
        f"func.func @main(%a: {F}) -> {F} {{\n  cf.br ^bb1(%a : {F})\n"
        f"^bb1(%b: {F}):\n  return %b : {F}\n}}\n",
        "function `main` has no body of one block",
        "",
    ),
    "recursion": (
        function(F, CALL, function(F, CALL).replace("@main", "private @f")),
        "function `f` calls itself: main -> f -> f",
        "",
    ),
    "a call into nothing": (
        function(F, CALL),
        f"MODEL {UNKNOWN}line 2, column 8: 'func.call' op 'f' does not reference a valid function",
        FORMS,
    ),
    "a huge shape": (
        function(HUGE, f"stablehlo.abs %a : {HUGE}"),
        "tensor `arg0` has 4000000000000000000 bytes, not 1 to 1099511627776",
        "",
    ),
    "a string that is no text": (
        function(F, f'stablehlo.custom_call @"x\\FF\\FEy"(%a) : ({F}) -> {F}'),
        "MODEL holds the string `\\FF\\FE`, which is no UTF-8 text",
        FORMS,
    ),
    "a name that is no string": (
        f"func.func @main(%a: {F} {{mem.name = 3 : i32}}) -> {F} {{\n  return %a : {F}\n}}\n",
        "attribute `mem.name` of the module is `3 : i32`, no string",
        "",
    ),
    "a loop without a count": (
        f"""func.func @main(%a: {F}, %n: tensor<i32>) -> {F} {{
  %0:2 = stablehlo.while(%x = %a, %i = %n) : {F}, tensor<i32>
   cond {{
    %z = stablehlo.constant dense<0> : tensor<i32>
    %c = stablehlo.compare GT, %i, %z : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  }} do {{
    %y = stablehlo.abs %x : {F}
    %j = stablehlo.divide %i, %n : tensor<i32>
    stablehlo.return %y, %j : {F}, tensor<i32>
  }}
  return %0#0 : {F}
}}
""",
        "`stablehlo.while` at line 2 runs a number of times that depends on data",
        "say how often with `--trip-count N`",
    ),
}


@pytest.mark.parametrize("what", MODELS)
def test_a_model_that_can_not_be_mapped_is_named(what: str, tmp_path: Path) -> None:
    text, fact, hint = MODELS[what]
    path = tmp_path / "bad.mlir"
    path.write_text(text)
    err = refused(tmp_path, "map", path, *outputs(tmp_path))
    assert err == says(fact.replace("MODEL", str(path)), hint)


def test_a_deep_nest_of_regions_is_an_error(tmp_path: Path) -> None:
    deep = 1200
    lines = [f"func.func @main(%a: {F}, %p: tensor<i1>) -> {F} {{\n%0 = "]
    lines += ['"stablehlo.if"(%p) ({\n%x = '] * deep
    lines += [f"stablehlo.abs %a : {F}\n"]
    other = f'{{"stablehlo.return"(%a) : ({F}) -> ()}}'
    end = f'"stablehlo.return"(%x) : ({F}) -> ()\n}}, {other}) : (tensor<i1>) -> {F}\n'
    lines += [end] * deep + [f"return %0 : {F}\n}}\n"]
    (tmp_path / "deep.mlir").write_text("".join(lines))
    err = refused(tmp_path, "map", tmp_path / "deep.mlir", *outputs(tmp_path))
    assert err == says("the input is nested too deeply")


def outside(*words: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "cosmalloc"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_model_that_ends_mlir_s_reader_ends_in_a_sentence(tmp_path: Path) -> None:
    deep = 200_000
    path = tmp_path / "deep.mlir"
    path.write_text(f"module attributes {{x.y = {'[' * deep}{']' * deep}}} {{\n}}\n")
    for words in (("map", path, *outputs(tmp_path)), ("opt", path, "--passes", "inline")):
        done = outside(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == says(
            f"{path} ends MLIR's reader with SIGSEGV",
            "the model is damaged or nested too deeply; export it again",
        )
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture(scope="module")
def binaries() -> dict[str, bytes]:
    module = context.parse(MLP.read_bytes(), "mlp")
    return {"portable": context.to_portable(module), "bytecode": context.to_bytecode(module)}


@pytest.mark.parametrize("form", ["portable", "bytecode"])
def test_a_truncated_binary_is_refused_at_every_length(
    form: str, binaries: dict[str, bytes]
) -> None:
    whole = binaries[form]
    for length in (*range(1, 64), *range(64, len(whole), 7), len(whole) - 1):
        with pytest.raises(InputError, match=r"^cut is not a module this") as caught:
            context.parse(whole[:length], "cut")
        assert caught.value.hint == (FORMS if length < 4 else DAMAGED)


@pytest.mark.parametrize("form", ["portable", "bytecode"])
def test_a_truncated_file_writes_nothing(
    form: str, binaries: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "cut.mlirbc"
    for length in (4, 40, 400, len(binaries[form]) - 1):
        path.write_bytes(binaries[form][:length])
        err = refused(tmp_path, "map", path, *outputs(tmp_path))
        assert err.startswith(f"error: {path} is not a module this reader knows: ")
        assert err.endswith(f"\nhint: {DAMAGED}\n")


def test_a_binary_with_more_behind_it_is_refused(
    binaries: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "long.mlirbc"
    path.write_bytes(binaries["portable"] + b"more")
    err = refused(tmp_path, "map", path, *outputs(tmp_path))
    assert err.startswith(f"error: {path} is not a module this reader knows: ")


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_are_no_module(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "random"
    path.write_bytes(random.Random(seed).randbytes(300))
    err = refused(tmp_path, "map", path, *outputs(tmp_path))
    assert err.startswith(f"error: {path} is not a module this reader knows: line 1, column ")


OPTIONS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "a size that is none": (
        ("--scratchpad", "much"),
        "`much` is no number of bytes",
        "write it like 4096, 256KiB, 2MiB or 1.5GiB",
    ),
    "a size below 0": (
        ("--scratchpad", "-5"),
        "`-5` is no number of bytes",
        "write it like 4096, 256KiB, 2MiB or 1.5GiB",
    ),
    "a size beyond all": (
        ("--scratchpad", "99999TiB"),
        "target `custom` has a scratchpad of 109950063265972224 bytes",
        "",
    ),
    "alignment 0": (("--alignment", "0"), "target `custom` has alignment 0, not 1 to 2**30", ""),
    "a rule nobody has": (
        ("--operand-rule", "here"),
        "there is no operand rule `here`",
        "use `resident` or `anywhere`",
    ),
    "bandwidth 0": (
        ("--offchip-bandwidth", "0"),
        "target `custom` has offchip_read_bytes_per_second 0.0, not 1e-09 to 1e+30",
        "",
    ),
    "bandwidth nan": (
        ("--onchip-bandwidth", "nan"),
        "target `custom` has onchip_read_bytes_per_second nan, not 1e-09 to 1e+30",
        "",
    ),
    "endless arithmetic": (
        ("--flops", "inf"),
        "target `custom` has flops_per_second inf, not 1e-09 to 1e+30",
        "",
    ),
    "a target nobody knows": (
        ("--target", "npu"),
        "there is no target `npu`",
        "use one of npu-256kib, npu-2mib, npu-8mib, tpu-v4, tpu-v5e, or the path of a .toml file",
    ),
    "an objective nobody knows": (
        ("--objective", "speed"),
        "there is no objective `speed`",
        "use traffic, latency, peak",
    ),
    "negative seconds": (
        ("--seconds", "-1"),
        "a solver can't have -1.0 seconds",
        "give 0 or more",
    ),
    "tracking nobody knows": (
        ("--track", "some"),
        "--track is `some`",
        "use `activations` or `all`",
    ),
    "no bytes per element": (
        ("--bytes-per-element", "0"),
        "bytes per element is 0, not 1 to 16",
        "",
    ),
    "a pattern that is none": (
        ("--weights", "("),
        "the pattern `(` is no regular expression:"
        " missing ), unterminated subpattern at position 0",
        "",
    ),
    "a negative trip count": (("--trip-count", "-1"), "the trip count is -1, below 0", ""),
    "a name that is no text": (
        ("--name", os.fsdecode(b"\xff")),
        "the problem's name '\\udcff' is no Unicode text",
        "",
    ),
}


@pytest.mark.parametrize("what", OPTIONS)
def test_an_option_that_makes_no_sense_is_named(what: str, tmp_path: Path) -> None:
    words, fact, hint = OPTIONS[what]
    assert refused(tmp_path, "map", MLP, *words, *outputs(tmp_path)) == says(fact, hint)


def test_unknown_groupings_and_solvers_are_answered_with_the_known_ones(tmp_path: Path) -> None:
    err = refused(tmp_path, "map", MLP, "--group", "all", *outputs(tmp_path))
    assert err.startswith("error: --group is `all`\nhint: use `fuse`")
    err = refused(tmp_path, "map", MLP, "--solver", "magic", *outputs(tmp_path))
    assert err.startswith("error: there is no solver `magic`\nhint: use auto, greedy")


SAMPLE = function(F, f"stablehlo.abs %a : {F}").encode()
MAPPED = "group-operators,map-memory{solver=greedy}"
TAKE_OUT = "take it out first: `cosmalloc opt FILE --passes strip-memory -o OUT`"
PIPELINES: dict[str, tuple[str, str]] = {
    "inline{": ("the pipeline `inline{` ends inside a bracket", ""),
    "inline}": ("the pipeline `inline}` closes a bracket at 6 that none opened", ""),
    "inline,,cse": ("the pipeline has an empty pass name", ""),
    "inline{deep=1}": ("pass `inline` has no option `deep`", "its options: none"),
    "group-operators{policy}": (
        "pass `group-operators` can't read options `policy`",
        "write key=value key=value",
    ),
    "map-memory{seconds=soon}": (
        "pass `map-memory`, option `seconds` is `soon`, not a number",
        "",
    ),
    "map-memory{seed=1.5}": ("pass `map-memory`, option `seed` is `1.5`, not a number", ""),
    "map-memory{seconds=-1}": ("a solver can't have -1.0 seconds", "give 0 or more"),
    "map-memory{track=some}": ("tracking is `some`", "use `activations` or `all`"),
    "map-memory{operand-rule=here}": (
        "target `custom` has operand rule `here`",
        "use `resident` or `anywhere`",
    ),
    "map-memory{bytes-per-element=0}": ("bytes per element is 0, not 1 to 16", ""),
    "map-memory{weights='('}": ("the pipeline `map-memory{weights='('}` ends inside a bracket", ""),
    "lifetimes{seconds=3}": (
        "pass `lifetimes` has no option `seconds`",
        "its options: target, scratchpad, alignment, operand-rule, track, bytes-per-element,"
        " weights, trip-count",
    ),
    "insert-transfers": ("the module has no planned transfers", "run `map-memory` first"),
    f"{MAPPED},{MAPPED}": (
        "the module is mapped already: a plan stands on its operators",
        TAKE_OUT,
    ),
    f"{MAPPED},insert-transfers,map-memory": (
        "the module is mapped already: a plan stands on its operators",
        TAKE_OUT,
    ),
    f"{MAPPED},lifetimes": (
        "the module is mapped already: a plan stands on its operators",
        TAKE_OUT,
    ),
}


@pytest.mark.parametrize("passes", PIPELINES)
def test_a_pipeline_that_can_not_run_is_named(passes: str, tmp_path: Path) -> None:
    out = tmp_path / "out.mlir"
    err = refused(tmp_path, "opt", "-", "--passes", passes, "-o", out, stdin=SAMPLE)
    assert err == says(*PIPELINES[passes])


def test_an_unknown_pass_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    err = refused(tmp_path, "opt", "-", "--passes", "magic", stdin=SAMPLE)
    assert err.startswith("error: there is no pass `magic`\nhint: ours are `inline`, ")
    assert err.endswith("; MLIR's and StableHLO's work too\n")


def test_a_foreign_pass_that_fails_says_why(tmp_path: Path) -> None:
    passes = "vhlo-to-version{target=0.1.0}"
    err = refused(tmp_path, "opt", "-", "--passes", passes, stdin=SAMPLE)
    assert err.startswith(f"error: pass `{passes}` failed: target version 0.1.0 is less than ")


def test_a_pipeline_without_a_plan_exits_1() -> None:
    passes = "group-operators,map-memory{solver=greedy scratchpad=8}"
    done = cosmalloc("opt", "-", "--passes", passes, stdin=SAMPLE)
    assert (done.code, done.out) == (1, "")
    assert done.err == says(
        "there is no plan (infeasible): operator 0 (`abs_0`) needs 80 bytes on chip at once,"
        " the scratchpad has 8",
        "`scratchpad=80` is the least that does",
    )


@pytest.mark.parametrize("suffix", ["mlir", "mlirbc"])
def test_a_mapped_module_is_not_mapped_again(suffix: str, tmp_path: Path) -> None:
    mapped = tmp_path / f"mapped.{suffix}"
    assert cosmalloc("map", MLP, "-o", mapped, "--solver", "greedy").code == 0
    err = refused(tmp_path, "map", mapped, *outputs(tmp_path))
    assert err == says("the module is mapped already: a plan stands on its operators", TAKE_OUT)


def test_a_missing_file_and_a_folder_are_no_model(tmp_path: Path) -> None:
    err = refused(tmp_path, "map", tmp_path / "nothing", *outputs(tmp_path))
    assert err == says(f"cannot read {tmp_path}/nothing: No such file or directory")
    err = refused(tmp_path, "map", tmp_path, *outputs(tmp_path))
    assert err == says(f"cannot read {tmp_path}: Is a directory")


@pytest.mark.parametrize("option", ["-o", "--problem", "--plan"])
def test_no_file_is_written_where_one_can_not_be(option: str, tmp_path: Path) -> None:
    words = list(outputs(tmp_path))
    words[words.index(option) + 1] = tmp_path / "no/where"
    err = refused(tmp_path, "map", MLP, *words)
    assert err == says(f"cannot write {tmp_path}/no/where: there is no folder {tmp_path}/no")
    words[words.index(option) + 1] = tmp_path
    err = refused(tmp_path, "map", MLP, *words)
    assert err == says(f"cannot write {tmp_path}: it is a folder")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("option", ["-o", "--problem", "--plan"])
def test_a_full_disk_leaves_no_file(option: str, tmp_path: Path) -> None:
    words = list(outputs(tmp_path))
    words[words.index(option) + 1] = "/dev/full"
    err = refused(tmp_path, "map", MLP, *words, "--solver", "greedy")
    assert err == says("cannot write /dev/full: No space left on device")


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_write_that_fails_late_leaves_no_file(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [failing]

    def full(_handle: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (tmp_path / "plan.json").write_text("old")
    err = refused(tmp_path, "map", MLP, *outputs(tmp_path), "--solver", "greedy")
    assert err.endswith(": No space left on device\n")


def test_two_options_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    err = refused(tmp_path, "map", MLP, "--problem", path, "--plan", tmp_path / "." / "x.json")
    assert err == says(f"--problem and --plan both write {path}")
