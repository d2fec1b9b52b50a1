"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from cosmalloc.errors import InputError
from cosmalloc.plan import OBJECTIVES, Objective
from cosmalloc.target import OPERAND_RULES, OperandRule, Target

if TYPE_CHECKING:
    from cosmalloc.passes.doors import Opening
    from cosmalloc.passes.grouping import Way

TargetName = Annotated[
    str | None, typer.Option("--target", help="A shipped machine or a TOML file [npu-2mib].")
]
Scratchpad = Annotated[
    str | None,
    typer.Option(help="Size of the fast memory, `2MiB` or bytes; replaces the target's."),
]
Alignment = Annotated[int | None, typer.Option(help="Offsets are multiples of so many bytes.")]
Rule = Annotated[str | None, typer.Option("--operand-rule", help="`resident` or `anywhere`.")]
OffchipBandwidth = Annotated[
    float | None, typer.Option(help="Bytes per second off-chip, each direction.")
]
OnchipBandwidth = Annotated[
    float | None, typer.Option(help="Bytes per second on chip, each direction.")
]
Flops = Annotated[float | None, typer.Option(help="Arithmetic operations per second.")]
ObjectiveName = Annotated[str, typer.Option("--objective", help="`traffic`, `latency` or `peak`.")]
Solver = Annotated[str, typer.Option(help="`auto` or a solver's name.")]
Seconds = Annotated[float, typer.Option(help="Time for the solver.")]
Seed = Annotated[int, typer.Option(help="Same seed, same plan.")]
Group = Annotated[str, typer.Option(help="`fuse`, `single`, `none` or `learned`.")]
Cost = Annotated[
    str | None,
    typer.Option(
        "--cost",
        metavar="NAME|FILE",
        help="Whose seconds: `roofline` (the target's), `learned:cpu` or FILE.safetensors"
        " [roofline, or the problem's own].",
    ),
]
KernelsOf = Annotated[
    str | None,
    typer.Option(
        "--kernels", metavar="MODEL", help="What the problem was made from, for a learned `--cost`."
    ),
]
Track = Annotated[
    str | None,
    typer.Option(help="`activations` or `all` [activations if resident, all if anywhere]."),
]
BytesPerElement = Annotated[
    int | None, typer.Option(help="Bytes a floating-point element counts, 1: as if quantised.")
]
Shapes = Annotated[
    list[str] | None,
    typer.Option(
        "--shape",
        help="Shape of an open input, `input=1x3x224x224`, or a value, `rate==16000`.",
        metavar="NAME=AxB",
    ),
]
AllowOpaque = Annotated[
    bool,
    typer.Option("--allow-opaque", help="Operators that nobody knows are black boxes."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, for machines.")]


def objective(name: str) -> Objective:
    """The objective of this name. Raises InputError."""
    if name not in OBJECTIVES:
        raise InputError(f"there is no objective `{name}`", f"use {', '.join(OBJECTIVES)}")
    return name


def operand_rule(name: str | None) -> OperandRule | None:
    """The operand rule of this name. Raises InputError."""
    if name is not None and name not in OPERAND_RULES:
        raise InputError(f"there is no operand rule `{name}`", "use `resident` or `anywhere`")
    return name


def word(value: str | None, words: tuple[str, ...], option: str) -> str | None:
    """`value` if it is one of `words` or missing. Raises InputError."""
    if value is not None and value not in words:
        raise InputError(f"{option} is `{value}`", f"use {' or '.join(f'`{w}`' for w in words)}")
    return value


def way(group: str) -> Way:
    """How operators are formed. Raises InputError."""
    from cosmalloc.passes.grouping import WAYS

    word(group, WAYS, "--group")
    return cast("Way", group)


def shapes(given: list[str] | None) -> dict[str, tuple[int, ...] | float]:
    """What `--shape` says, by input: a shape, or a value. Raises InputError."""
    found: dict[str, tuple[int, ...] | float] = {}
    for each in given or []:
        name, equals, sizes = each.rpartition("=")
        is_value = name.endswith("=")
        name = name.removesuffix("=")
        parts = sizes.split("x") if sizes and not is_value else []
        if not equals or not name or not all(p.isascii() and p.isdigit() for p in parts):
            raise InputError(f"--shape is `{each}`", "say `--shape input=1x3x224x224`")
        if name in found:
            raise InputError(f"--shape gives `{name}` twice")
        found[name] = _number(sizes, each) if is_value else tuple(map(int, parts))
    return found


def _number(word: str, given: str) -> float:
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word)
    except ValueError:
        raise InputError(f"--shape is `{given}`", "say `--shape rate==16000`") from None


def opening(shape: list[str] | None, allow_opaque: bool) -> Opening:
    """How a model of another form is read, as `--shape` and `--allow-opaque` say. InputError."""
    from cosmalloc.passes import Opening

    return Opening(shapes(shape), allow_opaque)


def machine(
    target: str | None,
    scratchpad: str | None,
    alignment: int | None,
    rule: str | None,
    offchip: float | None,
    onchip: float | None,
    flops: float | None,
    base: Target | None = None,
) -> Target:
    """The target that the options describe; without `--target` they change `base`."""
    from cosmalloc.target_file import custom, load_target

    found = base if base is not None and target is None else load_target(target or "npu-2mib")
    if all(v is None for v in (scratchpad, alignment, rule, offchip, onchip, flops)):
        return found
    return custom(
        found,
        scratchpad=scratchpad,
        alignment=alignment,
        operand_rule=operand_rule(rule),
        offchip_read_bytes_per_second=offchip,
        offchip_write_bytes_per_second=offchip,
        onchip_read_bytes_per_second=onchip,
        onchip_write_bytes_per_second=onchip,
        flops_per_second=flops,
    )
