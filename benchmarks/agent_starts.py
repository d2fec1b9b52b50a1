"""What the network's games are worth to annealing, for benchmarks.agent.

Games drawn by the policy, as many of even dice, and XLA's rule in its best manner; from each the
same number of moves of annealing, so that the machine's speed has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.agent_cells import micro
from benchmarks.agent_players import head, line
from cosmalloc.latency.anneal import Annealing, anneal
from cosmalloc.latency.draft import Drafting
from cosmalloc.latency.starts import FAR, Start, decided
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.actor import Playing
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.rl_agent.compile import Compiler
from cosmalloc.rl_agent.compiling import Compiling
from cosmalloc.rl_agent.mapping_arena import Rules
from cosmalloc.rl_agent.network import Network

Row = dict[str, float | str]
GAMES = 8
MOVES = 60_000
PLAIN = Compiling(slots=GAMES, search=0.0, polish=0.0)


def drawn(problem: Problem, network: Network, drafting: Drafting, seed: int) -> Iterator[Start]:
    """Games by the policy, then by dice."""
    compiler = Compiler(problem, Rules(), network, PLAIN, seed)
    compiler.play(Playing("policy"), lambda: False)
    yield from (Start.of_plan(drafting, compiler.arena.plan(k), FAR) for k in range(GAMES))
    compiler.dice()
    yield from (Start.of_plan(drafting, compiler.arena.plan(k), FAR) for k in range(GAMES))


def annealed(drafting: Drafting, starts: Sequence[Start]) -> list[float]:
    """Latencies."""
    how = Annealing(hot=FAR, moves=MOVES)
    return [
        anneal(drafting, start.rows, seconds=3600, seed=seed, how=how).latency
        for seed, start in enumerate(starts)
    ]


def compare(
    programs: Sequence[Problem], shares: Sequence[float], network: Network, seed: int
) -> list[Row]:
    """Prints a row for each program and share: middle and best, before and after."""
    rows: list[Row] = []
    names = ("policy", "dice", "msa")
    head(("program", "share", *(f"{n}, {w}" for n in names for w in ("games", "middle", "best"))))
    for problem in programs:
        for share in shares:
            case = at_share(problem, share)
            drafting = Drafting.of(case)
            games = list(drawn(case, network, drafting, seed))
            row: Row = {"program": problem.name, "share": share}
            for name, starts in zip(
                names, (games[:GAMES], games[GAMES:], [decided(drafting)] * GAMES), strict=True
            ):
                found = annealed(drafting, starts)
                row[f"{name}, games"] = median(start.latency for start in starts)
                row[f"{name}, middle"], row[f"{name}, best"] = median(found), min(found)
            rows.append(row)
            values = [micro(float(value)) for value in list(row.values())[2:]]
            line((problem.name, f"{share:.0%}", *values))
    for other in names[1:]:
        pairs = [(float(row["policy, middle"]), float(row[f"{other}, middle"])) for row in rows]
        off = sum(a / b - 1 for a, b in pairs) / len(pairs)
        less = sum(a < b for a, b in pairs)
        print(f"policy: {off:+.2%} against {other} in the middle; less on {less} of {len(pairs)}")
    return rows
