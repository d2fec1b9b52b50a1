"""The stories of tensors and operators in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cosmalloc.explain.changes import Price
from cosmalloc.explain.operator import Clock, Operand, OperatorStory
from cosmalloc.explain.tensor import Absence, Neighbour, Rest, Stay, TensorStory
from cosmalloc.sizes import format_bytes

MOST = 6  # rests and readers told, the dearest or first


def tensor_words(story: TensorStory) -> list[str]:
    """Lines; what belongs to a stay or an absence is indented below it."""
    lines = [f"tensor {story.tensor} `{story.name}`: {story.kind}, {_exact(story.bytes)}"]
    lines.append(f"  {_life(story)}")
    if not story.tracked:
        return [*lines, "  it is not planned: it streams past the scratchpad and takes no room"]
    parts: list[tuple[int, list[str]]] = [(stay.start, _stay(stay)) for stay in story.stays]
    parts += [(absence.start, _absence(story, absence)) for absence in story.absences]
    for _, told in sorted(parts, key=lambda part: part[0]):
        lines += [f"  {line}" for line in told]
    for start, stop in story.stores:
        lines.append(f"  stored off-chip {_window(start, stop)}")
    if story.moved is not None:
        moved = story.moved
        lines.append(
            f"  moved off-chip in all: {_exact(moved.moved)}, of these"
            f" {_exact(moved.non_compulsory)} beyond the compulsory ones"
        )
    return lines


def operator_words(story: OperatorStory) -> list[str]:
    """Lines; lists are indented."""
    place = f", from {story.location}" if story.location else ""
    lines = [
        f"operator {story.operator} `{story.name}` ({story.kind}) runs at step {story.step}{place}"
    ]
    lines += [f"  {_operand(each)}" for each in story.operands]
    free = story.scratchpad - story.occupied
    lines.append(
        f"  on chip meanwhile: {_exact(story.occupied)} of {_exact(story.scratchpad)},"
        f" {_exact(free)} free; its own operands and results hold {_exact(story.own)}"
    )
    if story.needed:
        lines.append(f"  no plan runs it with less than {_exact(story.needed)} on chip")
    if story.others:
        lines.append(f"  also there: {_list(story.others, story.step)}")
    if story.clock is None:
        return [*lines, "  its time is not known: the problem says neither seconds nor flops"]
    return [*lines, *(f"  {line}" for line in _clock(story.clock))]


def _life(story: TensorStory) -> str:
    made = (
        "there from the start"
        if story.maker is None
        else "made by `{}` at step {}".format(*story.maker)
    )
    readers = [f"`{name}` at step {step}" for name, step in story.readers[:MOST]]
    if len(story.readers) > MOST:
        readers.append(f"{len(story.readers) - MOST} more")
    return f"{made}; read by {', '.join(readers)}" if readers else f"{made}; nobody reads it"


def _stay(stay: Stay) -> list[str]:
    how = "as it is made" if stay.load is None else f"loaded {_window(*stay.load)}"
    lines = [
        f"on chip in steps [{stay.start}, {stay.stop}) at offset {stay.offset:,}, {how};"
        f" used at {_steps(stay.uses)}"
    ]
    if stay.in_place_of is not None:
        lines.append(
            f"  at this offset because it takes the bytes of `{stay.in_place_of}` in place"
        )
    elif stay.lowest == stay.offset:
        lines.append("  at this offset: no lower one is free in all of these steps")
    else:
        lines.append(f"  offset {stay.lowest:,} is free in all of these steps too")
    dear = sorted(stay.rests, key=lambda rest: rest.start - rest.stop)[:MOST]
    return lines + [f"  {_rest(rest)}" for rest in sorted(dear, key=lambda rest: rest.start)]


def _rest(rest: Rest) -> str:
    where = f"idle in steps [{rest.start}, {rest.stop})"
    if rest.evicting is None:
        return f"{where}: an update in place or a copy under way ties it to the chip"
    return f"{where}: evicting it there would {_price(rest.evicting)}"


def _absence(story: TensorStory, absence: Absence) -> list[str]:
    lines = [f"not on chip in steps [{absence.start}, {absence.stop})"]
    if absence.uses:
        lines.append(f"  read or written off-chip directly at {_steps(absence.uses)}")
    lines += [f"  {line}" for line in _cause(story, absence)]
    if absence.keeping is not None:
        lines.append(f"  keeping it, had it room, would {_price(absence.keeping)}")
    if absence.displaced:
        names = _list(absence.displaced, absence.start)
        lines.append(f"  least in the way: at offset {absence.displaced_offset:,}, {names}")
    return lines


def _cause(story: TensorStory, absence: Absence) -> Iterator[str]:
    where = f"step {absence.step} (`{absence.operator}`)"
    if absence.short:
        yield (
            f"keeping it would need {_exact(absence.short)} more than there are at {where}:"
            f" {_exact(absence.occupied)} are in use there, {_exact(absence.own)} of them by the"
            f" operator itself"
        )
        if absence.steps_short > 1:
            yield f"bytes are missing at {absence.steps_short} steps, most of them there"
        if absence.unavoidable:
            yield f"no plan has it on chip while `{absence.operator}` runs: both don't fit"
        yield f"on chip there: {_list(absence.blockers, absence.step)}"
    elif absence.free_offset is not None:
        yield f"offset {absence.free_offset:,} is free in all of these steps: it could stay"
    else:
        yield (
            f"there are bytes enough at every step, {_exact(absence.occupied)} are in use at"
            f" {where}, but no one offset is free in all of them"
        )


def _operand(operand: Operand) -> str:
    head = f"{operand.role} `{operand.name}` ({_exact(operand.bytes)})"
    if operand.bytes_accessed != operand.bytes:
        head += f", {_exact(operand.bytes_accessed)} accessed"
    if operand.place == "on chip":
        return (
            f"{head}: on chip at offset {operand.offset:,} in steps"
            f" [{operand.since}, {operand.until})"
        )
    return f"{head}: {'streams past the scratchpad' if operand.place == 'streams' else 'off-chip'}"


def _clock(clock: Clock) -> Iterator[str]:
    moving = clock.off_chip + clock.on_chip
    limit = "its arithmetic" if clock.compute >= moving else "its bytes"
    yield (
        f"runs for {_time(clock.stop - clock.start)} from {_time(clock.start)} on, limited by"
        f" {limit}: arithmetic {_time(clock.compute)}, bytes off-chip {_time(clock.off_chip)},"
        f" on chip {_time(clock.on_chip)}"
    )
    if clock.stall <= 0:
        yield "it waits for nothing"
        return
    yield f"it waits {_time(clock.stall)} before it starts, for"
    for wait in clock.waits:
        yield (
            f"  the {wait.kind} of `{wait.name}` ({_exact(wait.bytes)}), issued at border"
            f" {wait.issued}, copied from {_time(wait.started)} to {_time(wait.done)}"
        )


def _list(neighbours: Sequence[Neighbour], step: int) -> str:
    return ", ".join(_neighbour(each, step) for each in neighbours)


def _neighbour(neighbour: Neighbour, step: int) -> str:
    use = "used there" if neighbour.used else f"next used at step {neighbour.next_use}"
    if neighbour.next_use is None:
        use = "not used again"
    return f"`{neighbour.name}` ({format_bytes(neighbour.bytes)}, {use})"


def _price(price: Price) -> str:
    if price.traffic:
        more = f"{'save' if price.traffic < 0 else 'move'} {_exact(abs(price.traffic))}"
        more += "" if price.traffic < 0 else " more"
    else:
        more = "move as many bytes"
    if price.seconds is None:
        return more
    if price.seconds == 0:
        return f"{more} and take as long"
    less = "less" if price.seconds < 0 else "longer"
    return f"{more} and take {_time(abs(price.seconds))} {less}"


def _window(start: int, stop: int) -> str:
    if start == stop:
        return f"at border {start}, blocking"
    return f"between borders {start} and {stop}"


def _steps(steps: Sequence[int]) -> str:
    if not steps:
        return "no step"
    shown = ", ".join(map(str, steps[:MOST]))
    more = f" and {len(steps) - MOST} more" if len(steps) > MOST else ""
    return f"step{'s' if len(steps) > 1 else ''} {shown}{more}"


def _exact(count: int) -> str:
    return f"{count:,} byte{'' if count == 1 else 's'}"


def _time(seconds: float) -> str:
    from cosmalloc.cli.summary import time_words

    return time_words(seconds)
