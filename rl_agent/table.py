"""A game on the terminal: the board, what is asked, and what the agent thinks of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from cosmalloc.latency.msa import outcome_of
from cosmalloc.plan import Outcome
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.actor import Brain, judge
from cosmalloc.rl_agent.game import MOVE_NAMES, Games
from cosmalloc.rl_agent.mapping_arena import GameObjective, MappingArena, Order, Rules, graphs_of
from cosmalloc.rl_agent.network_file import shipped
from cosmalloc.rl_agent.solver import known
from cosmalloc.sizes import format_bytes

SHADES = " ░▒▓█"
BOARD = (16, 64)  # steps, parts of the scratchpad


class Table:
    """One game, its player and its adviser."""

    def __init__(
        self,
        problem: Problem,
        objective: GameObjective,
        order: Order,
        weights: str | Path | None = None,
    ) -> None:
        """weights: of the adviser, the shipped ones if None. Raises InputError."""
        rules = Rules(objective, order)
        self._problem = problem
        self._arena = MappingArena([problem], rules)
        self._shown = Games([problem], objective=objective, order=rules.order, board=BOARD)
        self._moves: list[int] = []
        self._brain = Brain(known(Path(weights) if weights else shipped()), graphs_of([problem]))
        self._base = float(self._arena.values()[0])

    @property
    def over(self) -> bool:
        """Whether nothing is left to move."""
        return bool(self._shown.done()[0])

    def move(self, word: str) -> str:
        """Plays a move by its name or its first letter, the agent's if empty; what was wrong, or
        "" if nothing."""
        legal = self._shown.legal()[0]
        names = [name for name, can in zip(MOVE_NAMES, legal, strict=True) if can]
        if not word:
            chosen = int(self.advice().argmax())
        else:
            fits = [k for k, name in enumerate(MOVE_NAMES) if legal[k] and name.startswith(word)]
            if not fits:
                return f"`{word}` is no legal move: {', '.join(names)}"
            chosen = fits[0]
        self._shown.step([chosen])
        self._arena.play(np.array([chosen]))
        self._moves.append(chosen)
        return ""

    def advice(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The agent's chances of each move, float[A]."""
        look = self._arena.look()
        logits, _ = judge(
            self._brain.network,
            self._brain.position(look, self._arena.programs),
            self._brain.embedded,
        )
        said = np.where(look.legal[0], np.asarray(logits, np.float64)[0], -1e9)
        chance = np.exp(said - said.max())
        return np.asarray(chance / chance.sum())

    def show(self) -> None:
        """On stdout: the board, then the question."""
        console = Console(highlight=False)
        console.print(self.picture())
        if not self.over:
            console.print(self.question())

    def picture(self) -> Panel:
        """The scratchpad over the last steps, the step under way at the bottom."""
        board = self._shown.observe().board[0]
        text = Text()
        styles = ("white", "green", "yellow", "cyan")  # as CHANNELS
        for row in board:
            for cell in row:
                kind = int(np.argmax(cell)) if cell[3] <= 0 else 3
                shade = SHADES[min(4, int(np.ceil(4 * float(cell[kind]))))]
                text.append(shade, styles[kind])
            text.append("\n")
        text.append("taken ", "white").append("standing ", "green")
        text.append("leaving ", "yellow").append("offered", "cyan")
        size = format_bytes(self._problem.target.scratchpad_bytes)
        return Panel(text, title=f"scratchpad {size}, {BOARD[0]} steps", width=BOARD[1] + 4)

    def question(self) -> str:
        """What is asked, and the agent's advice."""
        use = self._shown.use(0)
        chances = self.advice()
        legal = self._shown.legal()[0]
        moves = ", ".join(
            f"{name} {chances[k]:.0%}" for k, name in enumerate(MOVE_NAMES) if legal[k]
        )
        saved = 1 - self._shown.value(0) / self._base if self._base else 0.0
        if use.phase == "pick":
            picks = [p for p in self._shown.picks([0])[0].tolist() if p >= 0]
            names = ", ".join(self._problem.operators[p].name for p in picks)
            what = f"which operator is next: {names}"
        else:
            tensor = self._problem.tensors[use.tensor]
            does = "makes" if use.is_result else "reads"
            operator = self._problem.operators[use.operator].name
            what = f"{operator} {does} {tensor.name} ({tensor.kind}, {format_bytes(tensor.bytes)})"
        steps = len(self._problem.operators)
        return f"step {use.step} of {steps}, {saved:.1%} saved\n{what}\n{moves}"

    def facts(self) -> dict[str, str]:
        """How it went."""
        value = self._shown.value(0)
        saved = 1 - value / self._base if self._base else 0.0
        unit = f"{value * 1e6:,.1f} us" if self._shown.objective == "latency" else f"{value:,.0f} B"
        return {
            "moves": f"{len(self._moves):,}",
            "objective": unit,
            "saved": f"{saved:.1%} of everything off-chip",
            "over": "yes" if self.over else "no: the rest is dropped",
        }

    def outcome(self) -> Outcome:
        """The plan so far, the rest dropped."""
        return outcome_of(self._problem, "rl", self._shown.objective, self._shown.plan(0))
