"""A plan as options of XLA's compiler for TPUs: text protos that steer its own assignment.

    xla_tpu_msa_sort_order_overrides      in which sequence it places buffers
    xla_tpu_msa_tensor_overrides          where it places them, and when it copies: demands; the
                                          compiler refuses the program where it can't meet one
    xla_tpu_preferred_prefetch_overrides  when it copies: a wish
Names are regular expressions over the scheduled program; rules for positions (values where they are
born) come before rules for operands (values where they are used), and the first that fits counts.
    never on chip                      keep_in_default_memory at the position
    on chip from production to the end pin_in_alternate_memory at the position
    read off-chip, on chip later       keep_in_default_memory at the operand
    loaded                             prefetch at the first operand that reads it, its logical time
                                       the instruction before the border where the load is issued
A wrong field name ends the reading of a proto without a word. Offsets can't be chosen; the sequence
(by offset, then by time) makes the compiler stack its buffers much as ours lie. Where a loop was
unrolled, the plan of most trips speaks for all.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from cosmalloc.passes.xla_flow import Step, Value, schedule
from cosmalloc.passes.xla_problem import XlaProgram
from cosmalloc.passes.xla_shape import Index
from cosmalloc.plan import Plan, Residency
from cosmalloc.presence import Presence
from cosmalloc.tpu.carried import carried
from cosmalloc.tpu.sequence import clashes, levels, sequence_of

SORT_ORDER = "xla_tpu_msa_sort_order_overrides"
TENSORS = "xla_tpu_msa_tensor_overrides"
PREFETCHES = "xla_tpu_preferred_prefetch_overrides"
Force = Literal["wish", "hint", "sequence", "demand"]
FORCES: tuple[Force, ...] = get_args(Force)
PLAIN = {  # one copy per load, and no loads but those asked for
    "xla_msa_max_cross_program_prefetches": "0",
    "xla_tpu_sliced_prefetch_max_slices": "0",
    "xla_msa_enable_sync_copy_replacement": "false",
    "xla_msa_enable_sync_slice_replacement": "false",
}
MANY = {  # any number of copies, and nothing decided but buffer by buffer
    **PLAIN,
    "xla_tpu_memory_bound_loop_optimizer_options": "enabled: false",
    "xla_msa_max_outstanding_prefetches": "4096",
    "xla_msa_max_outstanding_evictions": "4096",
}
STEERED = {  # however little or much time there is to hide them
    **MANY,
    "xla_msa_min_overlap_to_async_copy_ratio": "0",
    "xla_tpu_cmem_min_overlap_to_async_copy_ratio": "0",
    "xla_msa_max_overlap_to_mem_size_async_copy_ratio": "1000",
    "xla_tpu_cmem_max_overlap_to_mem_size_async_copy_ratio": "1000",
}

WHOLE = 0.9  # of a loop's readers served by one stay: it is meant for the loop

Position = tuple[str, Index]  # instruction, index of the leaf


@dataclass(frozen=True, slots=True)
class Use:
    """An operand of an instruction. bytes: of the value, 0 for any."""

    instruction: str
    operand: int
    index: Index
    bytes: int = 0


@dataclass(frozen=True)
class Overrides:
    """What the compiler is told. sequence: positions, first placed first; ranks: of each of them,
    equal for those that are never there together.

    pinned, kept: positions in the fast and in the main memory. prefetches: logical time per use.
    direct: uses that read the main memory, of values that are in the fast one at other times.
    """

    sequence: tuple[Position, ...]
    pinned: tuple[Position, ...]
    kept: tuple[Position, ...]
    prefetches: dict[Use, int]
    direct: tuple[Use, ...]
    ranks: tuple[int, ...]

    def options(self, force: Force) -> dict[str, str]:
        """As `jax.jit(f).lower(...).compile(compiler_options=...)` takes them.

        force: `demand` everything; `wish` for copies, demand what stays in the main memory; `hint`:
        the same, but leave uses of what is on chip at times, and copies without time to hide, to
        the compiler; `sequence`: the order of placement alone.
        """
        ranked: dict[int, list[Position]] = defaultdict(list)
        for position, rank in zip(self.sequence, self.ranks, strict=True):
            ranked[rank].append(position)
        order = [
            _rule(place, f"override_options {{ assign_value: {rank - len(ranked)} }}")
            for rank in sorted(ranked)
            for place in _positions(ranked[rank])
        ]
        keep = "keep_in_default_memory {}"
        kept = [_rule(place, keep) for place in _positions(self.kept)]
        if force != "hint":
            kept += [_rule(uses, keep) for uses in _operands(self.direct)]
        at: dict[int, list[Use]] = defaultdict(list)
        for use, time in self.prefetches.items():
            at[time].append(use)
        copies = [(u, f"logical_time: {time}") for time in at for u in _operands(at[time])]
        found = {**(MANY if force == "hint" else STEERED), SORT_ORDER: "\n".join(order)}
        if force == "demand":
            pins = [place for p in self.pinned for place in _positions([p])]
            pinned = [_rule(place, "pin_in_alternate_memory {}") for place in pins]
            loaded = [_rule(use, f"prefetch {{ {when} }}") for use, when in copies]
            found[TENSORS] = "\n".join([*pinned, *loaded, *kept])
        elif force in ("wish", "hint"):
            found[TENSORS] = "\n".join(kept)
            soft = "fail_on_unsatisfied_override: false"
            wishes = [_rule(use, f"override_options {{ {when} }} {soft}") for use, when in copies]
            found[PREFETCHES] = "\n".join(wishes)
        return found

    def without(self, instruction: str, operand: int, defining: str) -> Overrides:
        """Without the rules about one operand that the compiler refused."""
        return replace(
            self,
            pinned=tuple(p for p in self.pinned if p[0] != defining),
            prefetches={
                use: time
                for use, time in self.prefetches.items()
                if (use.instruction, use.operand) != (instruction, operand)
            },
            direct=tuple(
                use
                for use in self.direct
                if (use.instruction, use.operand) != (instruction, operand)
            ),
        )


def overrides(
    program: XlaProgram,
    plan: Plan,
    first: Sequence[int] = (),
    off_chip: Collection[int] = (),
    united: bool = False,
) -> Overrides:
    """What makes the compiler follow `plan`.

    first: tensors to place before all others. off_chip: tensors whose off-chip reads are told even
    if that keeps a result of the reader off the chip. united: one verdict for what shares a buffer
    that a loop carries; else the compiler may crash, but where it does not, it does better.
    """
    where = _Placement(program, plan, off_chip, united)
    verdicts = where.verdicts()
    sequence = where.sequence(first)
    return Overrides(
        sequence,
        tuple(p for p, verdict in verdicts.items() if verdict == "pin"),
        tuple(p for p, verdict in verdicts.items() if verdict == "keep"),
        where.prefetches(),
        where.direct(),
        tuple(levels([where.span(position) for position in sequence])),
    )


class _Placement:
    def __init__(
        self, program: XlaProgram, plan: Plan, off_chip: Collection[int], united: bool
    ) -> None:
        self.program = program
        self.flow = program.flow
        self.plan = plan
        self.off_chip = off_chip
        self.times = schedule(program.flow.module)
        self.stays: dict[int, list[Residency]] = defaultdict(list)
        for stay in sorted(plan.residencies, key=lambda stay: stay.start):
            self.stays[stay.tensor].append(stay)
        self.loads = {(c.tensor, c.start): c for c in plan.transfers if c.kind == "load"}
        self.on, self.off = carried(program, plan) if united else (frozenset(), frozenset())
        self.born: dict[Position, list[int]] = defaultdict(list)
        for number, value in enumerate(self.flow.values):
            tensor = program.tensor_of[number]
            if tensor is not None:
                self.born[value.instruction, value.index].append(tensor)

    def verdicts(self) -> dict[Position, str]:
        """`pin`, `keep` or `free` per position, as most of its trips say."""
        return {
            position: Counter(map(self._verdict, tensors)).most_common(1)[0][0]
            for position, tensors in self.born.items()
        }

    def _verdict(self, tensor: int) -> str:
        stays = self.stays.get(tensor, [])
        if tensor in self.on:
            return "free"
        if not stays or tensor in self.off:
            return "keep"
        made = self.program.problem.producer[tensor]
        readers = self.program.problem.readers[tensor]
        last = max(readers, default=stays[0].start)
        whole = len(stays) == 1 and stays[0].stop > last
        output = self.program.problem.tensors[tensor].kind == "output"
        if made is not None and whole and stays[0].start == made and not output:
            return "pin"
        return "free"

    def prefetches(self) -> dict[Use, int]:
        """Per load the first operand that reads what it brought, and when to issue it."""
        votes: dict[Use, Counter[int]] = defaultdict(Counter)
        for (tensor, start), load in self.loads.items():
            if tensor in self.off:
                continue
            stay = next(s for s in self.stays[tensor] if s.start == start)
            readers = self.program.problem.readers[tensor]
            first = next((r for r in readers if load.stop <= r < stay.stop), None)
            around = None if first is None else self._loop(tensor, stay)
            if around is not None:
                use, before = around
                votes[use][max(self._birth(tensor), min(before, self._time(start, tensor)))] += 1
                continue
            use_inside = None if first is None else self._use(first, tensor)
            if use_inside is not None:
                votes[use_inside][self._time(start, tensor)] += 1
        return {use: times.most_common(1)[0][0] for use, times in votes.items()}

    def _loop(self, tensor: int, stay: Residency) -> tuple[Use, int] | None:
        """The loop that carries a tensor which stays for all of it, and the time before it.

        What a loop carries unchanged is loaded before it: the compiler wants it in one memory.
        """
        steps = self.program.step_of
        for loop in self.flow.loops:
            readers = [
                r
                for r in self.program.problem.readers[tensor]
                if loop.start <= steps[r][0] < loop.stop
            ]
            held = sum(stay.start <= r < stay.stop for r in readers)
            if not readers or held < WHOLE * len(readers):
                continue
            for index, value in loop.carried.items():
                if self.program.tensor_of[value] == tensor:
                    first = self.flow.steps[loop.start].instruction.name
                    return Use(loop.instruction, 0, index), self.times[first] - 1
        return None

    def direct(self) -> tuple[Use, ...]:
        """Operands that most trips read off-chip, of tensors that are on chip at other steps."""
        votes: dict[Use, Counter[bool]] = defaultdict(Counter)
        here = Presence.of(self.plan)
        together = self.on | self.off
        sizes = [tensor.bytes for tensor in self.program.problem.tensors]
        for operator, steps in enumerate(self.program.step_of):
            for number in steps:
                step = self.flow.steps[number]
                for operand, index, value in step.reads:
                    tensor = self.program.tensor_of[value]
                    if tensor is not None and tensor in self.stays:
                        clash = clashes(self.program.problem, self.stays, tensor, operator)
                        if (clash and tensor not in self.off_chip) or tensor in together:
                            continue
                        use = Use(step.instruction.name, operand, index, sizes[tensor])
                        votes[use][here.on_chip(tensor, operator)] += 1
        return tuple(use for use, on in votes.items() if not on.most_common(1)[0][0])

    def _use(self, operator: int, tensor: int) -> Use | None:
        for number in self.program.step_of[operator]:
            step: Step = self.flow.steps[number]
            for operand, index, value in step.reads:
                if self.program.tensor_of[value] == tensor:
                    return Use(step.instruction.name, operand, index)
        return None

    def _time(self, border: int, tensor: int) -> int:
        """Logical time after which a copy of `border` is issued; not before the value is there."""
        steps = self.program.step_of
        behind = steps[border][0] if border < len(steps) else len(self.flow.steps) - 1
        before = self.times[self.flow.steps[behind].instruction.name] - 1
        return max(before, self._birth(tensor))

    def _birth(self, tensor: int) -> int:
        value: Value = self.flow.values[self.program.tensor_of.index(tensor)]
        return self.times[value.instruction]

    def sequence(self, first: Sequence[int]) -> tuple[Position, ...]:
        """Positions in the sequence of placement."""
        tensors = sequence_of(self.program.problem, self.plan, first)
        values = [self.flow.values[self.program.tensor_of.index(t)] for t in tensors]
        return tuple(dict.fromkeys((value.instruction, value.index) for value in values))

    def span(self, position: Position) -> tuple[int, int]:
        """From its first step on chip to its last use, in whatever trip."""
        stays = [stay for t in self.born[position] for stay in self.stays.get(t, ())]
        readers = self.program.problem.readers
        last = max((r for t in self.born[position] for r in readers[t]), default=0)
        return min(s.start for s in stays), max(last + 1, *(s.stop for s in stays))


def _rule(matcher: str, action: str) -> str:
    return f"overrides {{ {matcher} {action} }}"


def _positions(positions: Sequence[Position]) -> list[str]:
    """One matcher for all that differ by name alone: the compiler tries every rule on every one."""
    names: dict[Index, list[str]] = defaultdict(list)
    for name, index in positions:
        names[index].append(name)
    return [_position(("|".join(map(_exactly, group)), index)) for index, group in names.items()]


def _position(position: Position) -> str:
    """position: its name is a regular expression."""
    pattern, index = position
    leaf = f" tuple_index {{ {_numbers(index)} }}" if index else ""
    return f"hlo_position_matcher {{ instruction_name_regex: '{pattern}'{leaf} }}"


def _operands(uses: Sequence[Use]) -> list[str]:
    """The same for operands."""
    names: dict[tuple[int, Index, int], list[str]] = defaultdict(list)
    for use in uses:
        names[use.operand, use.index, use.bytes].append(_exactly(use.instruction))
    return [_operand(Use("|".join(group), *key)) for key, group in names.items()]


def _operand(use: Use) -> str:
    """use: the name of its instruction is a regular expression."""
    leaf = f" tuple_index {{ {_numbers(use.index)} }}" if use.index else ""
    leaf += f" size_gte: {use.bytes} size_lte: {use.bytes}" if use.bytes else ""
    return (
        f"hlo_operand_filter {{ instruction_name_regex: '{use.instruction}'"
        f" operand_number: {use.operand}{leaf} }}"
    )


def _numbers(index: Index) -> str:
    return " ".join(f"index: {number}" for number in index)


def _exactly(name: str) -> str:
    """A regular expression for this name alone, without a backslash."""
    return re.sub(r"([^\w-])", r"[\1]", name)
