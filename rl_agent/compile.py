"""The agent on one program, within the seconds that a user has.

    1. games of the shipped policy: one as it likes best, the others drawn
    2. games of Gumbel search in the game itself
    3. small changes of the best games, drawn by the policy (improve.py)
    4. plans of drawn games and of the best are annealed (polish.py), and followed as games
    5. the network learns from the best games of this program, plays again, and so on from 3

It is over early where the best meets the objective's simple bound. Each stage can be left out,
which is what the ablations do. The best plan is the answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from cosmalloc.objective import bound, objective_value
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.actor import Brain, Played, Playing, judge, play, player, with_returns
from cosmalloc.rl_agent.arena import Look
from cosmalloc.rl_agent.compiling import Compiling, Found
from cosmalloc.rl_agent.game import COPY, DROP, NO_COPY
from cosmalloc.rl_agent.improve import Doubles, Improving, improve
from cosmalloc.rl_agent.learner import Learner, learn, new_learner
from cosmalloc.rl_agent.mapping_arena import MappingArena, Rules, graphs_of, uses_of
from cosmalloc.rl_agent.network import Graphs, Network
from cosmalloc.rl_agent.polish import Pool, can_polish
from cosmalloc.rl_agent.replay import Episode, Replay, Sampling
from cosmalloc.rl_agent.script import Line, Script
from cosmalloc.rl_agent.search import Searched

NEVER = -1e9
DISCOUNT = 0.99
SAME = Improving(whole=0.0, share=0.0, near=0.0)  # games as they are
MOST = 100_000  # moves of a batch of games, about a second


class Compiler:
    """One program, its games, and the best of them."""

    def __init__(
        self,
        problem: Problem,
        rules: Rules,
        network: Network,
        how: Compiling,
        seed: int,
        tell: Callable[[float, float], None] = lambda _value, _share: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """tell: hears of each better value, with the share of the time that is over. clock: what
        counts as seconds."""
        self.problem, self._rules, self._seed = problem, rules, seed
        self._least = bound(problem, rules.objective)
        self._clock = clock
        self._tell = tell
        self._seconds = 1.0
        self._began = clock()
        self._how = how
        self._rng = np.random.default_rng(seed)
        spare = how.simulations if how.search else 0
        self._slots = max(4, min(how.slots, MOST // uses_of(problem)))
        self.arena = MappingArena([problem] * self._slots, rules, spare)
        self._graphs: Graphs = graphs_of([problem])
        self._network = network
        self._learner: Learner | None = None  # until there is something to learn
        self._even = np.zeros((self.arena.uses, network.sizes.moves))
        if rules.order == "given":
            self._even[:, 3:] = NEVER
        self.lines: list[Line] = []
        fits = how.polish > 0 and can_polish(problem, rules.objective)
        self.pool = Pool(problem) if fits else None
        self.plan: Plan | None = None
        self.value = np.inf
        self.games = 0
        self.curve: list[tuple[float, float]] = []

    def run(
        self,
        seconds: float,
        interrupted: Callable[[], bool] = lambda: False,
        plans: Sequence[Plan] = (),
        lines: Sequence[Line] = (),
    ) -> Found:
        """All stages, until the time is over. plans, lines: of others, to start from as well."""
        how = self._how
        self._seconds = max(1e-9, seconds)
        turns = how.turns if seconds >= how.patience else 1

        def until(share: float) -> Callable[[], bool]:
            return lambda: interrupted() or self.gone() > share * seconds or self.proven

        self.follow(plans, lines)
        if self.pool:
            self.pool.plans = list(plans)
        if not (how.policy and self.play(Playing("policy"), until(1.0))):
            self.dice()  # or the network had no time for a single game
        while how.search and how.policy and not until(how.search)():
            self.play(Playing("game", how.simulations, DISCOUNT), until(1.0), until(how.search))
        polish = how.polish if self.pool else 0.0
        for turn in range(turns):
            length = (1 - how.search) / turns
            start = how.search + turn * length
            end = until(start + length * (1 - polish))
            if turn and how.tune and self.lines and not end():
                self.tune(how.tune, end)
                self.play(Playing("policy"), end)
            while not how.improve and not end() and self.play_again(end):
                pass
            if how.improve and self.lines and not end():
                self.improve(end)
            if self.pool and not until(1.0)():
                self.polish(self.pool, (start + length) * seconds - self.gone(), turn)
        return self.found()

    @property
    def proven(self) -> bool:
        """Whether no plan can be better."""
        return self.value <= self._least * (1 + 1e-9)

    def polish(self, pool: Pool, seconds: float, turn: int) -> None:
        """Plans annealed: drawn games', the best ones', others'. What comes of it is followed."""
        self._improve(self.lines, self._even, SAME, _once())  # the arena shows the best games
        slots = min(self._how.starts, len(self.lines), self._slots)
        best = [self.arena.plan(slot) for slot in range(slots)]

        def tell(latency: float) -> None:
            self._tell(min(self.value, latency), self.gone() / self._seconds)

        found = pool.polished(best, seconds, self._seed * self._how.turns + turn, tell)
        if found is None:
            return
        value = objective_value(self.problem, found, self._rules.objective)
        if value < self.value:
            self._better(value, found)
        self.follow([found])

    def play_again(self, stop: Callable[[], bool]) -> bool:
        """Games without changes, by the policy or by dice."""
        if self._how.policy:
            return self.play(Playing("policy"), stop)
        self.dice()
        return True

    @property
    def brain(self) -> Brain:
        """The network as it is now: given, then what it has learned of this program."""
        return Brain(self._network, self._graphs)

    def gone(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._began

    def play(
        self, how: Playing, stop: Callable[[], bool], late: Callable[[], bool] = lambda: False
    ) -> bool:
        """A game in each slot. late: from when on the policy alone brings them to their end. False
        if `stop` ended them before."""
        slow = player(self.arena, self.brain, how, self._rng)
        quick = player(self.arena, self.brain, Playing("policy"), self._rng)
        played = play(
            self.arena,
            lambda look: (quick if late() else slow)(look),
            names=self.arena.use,
            stop=stop,
        )
        if played is not None:
            self._keep(self._lines_of(played))
            self._draw()
        return played is not None

    def dice(self) -> None:
        """A game of even dice in each slot."""
        nothing = Line(np.full(self.arena.uses, -1, np.int8), -np.inf)
        even = Improving(parents=1, share=1.0, even=1.0, near=0.0)
        self._improve([nothing], self._even, even, _once())
        self._draw()

    def _draw(self) -> None:
        """Annealing may start from the games that the arena has just played."""
        if self.pool:
            self.pool.add(self.arena.values(), self.arena.plan)

    def follow(self, plans: Sequence[Plan], lines: Sequence[Line] = ()) -> None:
        """The games that come nearest to these plans, these games of the given order, and those of
        one move all along."""
        games = [self.arena.followed(plan) for plan in plans]
        games += [line._replace(score=-np.inf) for line in lines[: self._how.starts]]
        games += [
            Line(np.full(self.arena.uses, move, np.int8), -np.inf) for move in (COPY, NO_COPY, DROP)
        ]
        self._improve(games, self._even, SAME, _once())

    def improve(self, stop: Callable[[], bool]) -> None:
        """Small changes of the best games."""
        prior = self._walk(stop)[0] if self._how.policy else self._even
        self._improve(self.lines, prior, self._how.improving, stop)

    def tune(self, steps: int, stop: Callable[[], bool]) -> None:
        """The network learns the best games."""
        replay = Replay(max(1, 4 * self.arena.uses * self._slots))
        for episode in self._walk(stop)[1]:
            replay.add(episode)
        self._learner = self._learner or new_learner(self._network, self._how.learning)
        sampling = Sampling(batch=128, programs=1, unroll=1, alpha=0.0)
        for _ in range(steps):
            if stop() or not len(replay):
                return
            batch = replay.sample(self._rng, sampling)
            self._learner, _ = learn(self._learner, self._graphs, batch, self._how.learning)
            self._network = self._learner.network

    def found(self) -> Found:
        """The best so far."""
        assert self.plan is not None  # `run` plays a few simple games in any case
        return Found(self.plan, self.value, self.games, tuple(self.curve))

    def _improve(
        self, lines: list[Line], prior: Doubles, how: Improving, stop: Callable[[], bool]
    ) -> None:
        kept, games = improve(
            self.arena, lines, prior, how, self._rng, stop, lambda _score: self._see()
        )
        self.games += games
        self.lines = _best([*self.lines, *(each for each in kept if each.score > -np.inf)])

    def _keep(self, lines: list[Line]) -> None:
        self.games += len(lines)
        self._see()
        self.lines = _best([*self.lines, *lines])

    def _see(self) -> None:
        """The arena's games are over: is one of them the best?"""
        values = self.arena.values()
        best = int(values.argmin())
        if values[best] < self.value:
            self._better(float(values[best]), self.arena.plan(best))

    def _better(self, value: float, plan: Plan) -> None:
        self.value, self.plan = value, plan
        self.curve.append((self.gone(), value))
        self._tell(value, self.gone() / self._seconds)

    def _lines_of(self, played: Played) -> list[Line]:
        lines = []
        orders = self.arena.orders() if self.arena.links is not None else [None] * self._slots
        for game in range(self._slots):
            moves = np.full(self.arena.uses, -1, np.int8)
            for name, move in zip(played.names[:, game], played.moves[:, game], strict=True):
                if move >= 0:
                    moves[name] = move
            lines.append(Line(moves, float(played.score[game]), orders[game]))
        return lines

    def _walk(self, stop: Callable[[], bool]) -> tuple[Doubles, list[Episode]]:
        """The best games once more: what the policy says along the best, float[U, A], even where it
        never came; and all of them as lessons."""
        lines = [self.lines[slot % len(self.lines)] for slot in range(self._slots)]
        script = Script(
            self.arena, np.array([line.moves for line in lines]), [line.order for line in lines]
        )
        logits = self._even.copy()
        allowed = logits > NEVER / 2
        brain = self.brain

        def follow(look: Look) -> Searched:
            names = self.arena.use()
            said, _ = judge(
                brain.network, brain.position(look, self.arena.programs), brain.embedded
            )
            if not look.done[0]:
                logits[names[0]] = np.where(allowed[names[0]], np.asarray(said)[0], NEVER)
            moves = script.moves(look.legal)
            policy = np.eye(logits.shape[1], dtype=np.float32)[moves]
            return Searched(moves, policy, np.zeros(len(moves), np.float32))

        played = play(self.arena, follow, record=True, stop=stop)
        if played is None:
            return logits, []
        different = played.episodes[: len(self.lines)]
        return logits, [with_returns(each, DISCOUNT) for each in different]


def _once() -> Callable[[], bool]:
    asked = iter([False])
    return lambda: next(asked, True)


def _best(lines: list[Line], most: int = 64) -> list[Line]:
    """Without doubles, best first."""
    known = {line.key: line for line in lines}
    return sorted(known.values(), key=lambda line: -line.score)[:most]
