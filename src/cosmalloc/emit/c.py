"""`--emit c`: the plan as a C header of constant tables, beside the runtime that walks them.

What a model says about itself (names of tensors, operators, the program) comes into the header
only through `c_words`: as identifiers made of letters and digits, and as string literals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cosmalloc.emit.c_words import identifier, identifiers, literal
from cosmalloc.emit.walk import Operand, Walk, walk
from cosmalloc.errors import InputError
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem

RUNTIME = "cosmalloc_runtime.h"


def c_files(
    problem: Problem,
    plan: Plan,
    header: str | None = None,
    constants: Mapping[int, bytes] | None = None,
) -> dict[str, str]:
    """File name -> text: the plan's header and the runtime that it includes.

    header: the header's name [the problem's name]. Its names begin with that name's stem.
    constants: bytes of tensors that come with the program, see `constants`; the caller of the
        runtime has all others. Raises InputError for a plan with faults.
    """
    from cosmalloc.verify import verify

    faults = verify(problem, plan)
    if faults:
        raise InputError(f"the plan has {len(faults)} faults, the first: {faults[0]}")
    name = header or f"{identifier(problem.name)}.h"
    if name == RUNTIME:
        raise InputError(f"the plan's header can't be called {RUNTIME}: so is the runtime")
    text = header_text(problem, plan, name.removesuffix(".h"), constants)
    return {name: text, RUNTIME: runtime_text()}


def runtime_text() -> str:
    """The reference runtime."""
    from importlib import resources

    return (resources.files("cosmalloc") / "emit" / RUNTIME).read_text("utf-8")


def header_text(
    problem: Problem, plan: Plan, name: str, constants: Mapping[int, bytes] | None = None
) -> str:
    """The header of any plan, legal or not; `name` begins everything in it."""
    word = identifier(name).lower()
    word = f"net_{word}" if word.startswith("cosmalloc") else word  # the runtime's own names
    return "\n".join([*_header(problem, walk(problem, plan), word, constants or {}), ""])


def _header(
    problem: Problem, todo: Walk, name: str, constants: Mapping[int, bytes]
) -> Iterator[str]:
    capital = name.upper()
    yield f"/* A plan by cosmalloc: {len(todo.steps)} steps, {len(todo.copies)} copies. */"
    yield f"#ifndef {capital}_PLAN_H"
    yield f"#define {capital}_PLAN_H"
    yield ""
    yield f'#include "{RUNTIME}"'
    yield ""
    for key, value in _sizes(problem, todo).items():
        yield f"#define {capital}_{key} {value}u"
    yield ""
    yield from _enumeration(f"{capital}_TENSOR", [each.name for each in problem.tensors])
    yield from _enumeration(f"{capital}_OPERATOR", [each.name for each in problem.operators])
    for tensor, data in sorted(constants.items()):
        yield from _array(f"{name}_data_{tensor}", data)
    known = {tensor: f"{name}_data_{tensor}" for tensor in constants}
    tables = dict(_tables(problem, todo, known))
    for table, (kind, rows) in tables.items():
        if rows:
            yield f"static const {kind} {name}_{table}[] = {{"
            yield from (f"    {row}," for row in rows)
            yield "};"
            yield ""
    counts = ", ".join(
        f"{len(rows)}u"
        for rows in (
            problem.tensors,
            problem.operators,
            todo.steps,
            todo.copies,
            todo.events,
        )
    )
    pointers = ", ".join(
        f"{name}_{table}" if rows else "NULL" for table, (_, rows) in tables.items()
    )
    yield f"static const cosmalloc_plan {name}_plan = {{"
    yield f"    {capital}_ARENA_BYTES, {capital}_HEAP_BYTES, {capital}_ALIGNMENT,"
    yield f"    {counts},"
    yield f"    {pointers},"
    yield "};"
    yield ""
    yield "#endif"


def _sizes(problem: Problem, todo: Walk) -> dict[str, int]:
    return {
        "ARENA_BYTES": todo.arena_bytes,
        "HEAP_BYTES": todo.heap.bytes,
        "ALIGNMENT": problem.target.alignment,
        "SCRATCHPAD_BYTES": problem.target.scratchpad_bytes,
    }


def _enumeration(prefix: str, names: list[str]) -> Iterator[str]:
    """`PREFIX_0_NAME` = 0 and so on, and how many there are."""
    yield "enum {"
    yield from (f"    {word}," for word in identifiers(names, prefix))
    yield f"    {prefix}S"
    yield "};"
    yield ""


def _array(name: str, data: bytes) -> Iterator[str]:
    """Bytes aligned as any element may need it."""
    yield "#if defined(__GNUC__)"
    yield "__attribute__((aligned(64)))"
    yield "#endif"
    yield f"static const unsigned char {name}[] = {{"
    for start in range(0, len(data), 16):
        yield f"    {', '.join(map(str, data[start : start + 16]))},"
    yield "};"
    yield ""


def _tables(
    problem: Problem, todo: Walk, known: Mapping[int, str]
) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    """Table -> its C type and its rows, in the order of `cosmalloc_plan`.

    known: per constant the array that holds it.
    """
    yield "tensors", ("cosmalloc_tensor", list(_tensors(problem, todo, known)))
    yield "operators", ("char *const", [literal(each.name) for each in problem.operators])
    lists = [(*step.inputs, *step.outputs) for step in todo.steps]
    yield "operands", ("cosmalloc_operand", [_operand(each) for row in lists for each in row])
    yield "steps", ("cosmalloc_step", list(_steps(todo)))
    yield (
        "copies",
        (
            "cosmalloc_copy",
            [
                f"{{{c.tensor}u, COSMALLOC_{c.kind.upper()}, {c.start}u, {c.stop}u, {c.offset}u}}"
                for c in todo.copies
            ],
        ),
    )
    rows = [f"{{COSMALLOC_{each.kind.upper()}, {each.index}u}}" for each in todo.events]
    yield "events", ("cosmalloc_event", rows)


def _tensors(problem: Problem, todo: Walk, known: Mapping[int, str]) -> Iterable[str]:
    for index, (tensor, home) in enumerate(zip(problem.tensors, todo.heap.homes, strict=True)):
        inside = problem.tensors[home].kind == "intermediate"
        place = todo.heap.offsets.get(home, "COSMALLOC_NOWHERE") if inside else "COSMALLOC_CALLER"
        yield (
            f"{{{literal(tensor.name)}, {tensor.bytes}u, COSMALLOC_{tensor.kind.upper()},"
            f" {home}u, {place}, {known.get(index, 'NULL')}}}"
        )


def _steps(todo: Walk) -> Iterable[str]:
    first = 0
    for step in todo.steps:
        yield f"{{{step.operator}u, {first}u, {len(step.inputs)}u, {len(step.outputs)}u}}"
        first += len(step.inputs) + len(step.outputs)


def _operand(each: Operand) -> str:
    place = "COSMALLOC_OFF_CHIP" if each.offset is None else each.offset
    return f"{{{each.tensor}u, {place}}}"
