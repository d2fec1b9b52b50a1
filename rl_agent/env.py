"""mallocGame as a `gymnasium` environment with action masks.

    env = MallocEnv([problem])
    observation, info = env.reset(seed=0)
    observation, reward, over, _, info = env.step(env.action_space.sample(info["action_mask"]))

One game at a time; the fast way to play many is `cosmalloc.rl_agent.game.Games`. Needs the extra
`[rl]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from cosmalloc.errors import InputError
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.arrays import Goal, Ordering
from cosmalloc.rl_agent.game import MOVE_NAMES, MOVES, Games

LEAST, MOST = -16.0, 128.0  # of any feature
Seen = dict[str, NDArray[Any]]


class MallocEnv(gymnasium.Env[Seen, np.int64]):
    """One slot, one row of what `Games.observe` gives: the same names, without the first axis; and
    `action_mask`, int8[MOVES], in the observation as in `info`.

    An illegal action moves nothing, gives reward 0 and `info["illegal"]` is True. Each episode
    plays one of the problems, drawn at `reset`, or number `options["problem"]`.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        objective: Goal = "latency",
        order: Ordering = "given",
        board: tuple[int, int] = (32, 32),
        lookahead: int = 8,
        render_mode: str | None = None,
    ) -> None:
        """InputError as of `Games`, and for no problems."""
        if not problems:
            raise InputError("an environment without problems", "give at least one")
        self._games = Games(
            problems, objective=objective, order=order, board=board, lookahead=lookahead
        )
        self._slot = 0
        self.render_mode = render_mode
        self.action_space = spaces.Discrete(MOVES)
        self.observation_space = cast(
            "spaces.Space[Seen]",
            spaces.Dict({name: _space(part) for name, part in self._look().items()}),
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Seen, dict[str, Any]]:
        """A new game. A problem without any choice is over at once: its mask is empty."""
        super().reset(seed=seed)
        chosen = (options or {}).get("problem")
        self._slot = int(self.np_random.integers(len(self._games))) if chosen is None else chosen
        self._games.reset([self._slot])
        return self._look(), self._info(illegal=False)

    def step(self, action: np.int64) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Rewards as of the game; never truncated."""
        slot, move = [self._slot], int(action)
        over = bool(self._games.done(slot)[0])
        illegal = not over and not self._games.legal(slot)[0, move]
        reward = 0.0
        if not illegal:
            rewards, dones = self._games.step([move], slot)
            reward, over = float(rewards[0]), bool(dones[0])
        return self._look(), reward, over, False, self._info(illegal)

    def render(self) -> str | None:
        """With render_mode="ansi": the use at hand and what may be done with it, one line."""
        if self.render_mode != "ansi":
            return None
        use = self._games.use(self._slot)
        legal = self._games.legal([self._slot])[0]
        names = ", ".join(name for name, can in zip(MOVE_NAMES, legal, strict=True) if can)
        value = self._games.value(self._slot)
        what = (
            f"tensor {use.tensor} of operator {use.operator}" if use.phase == "use" else use.phase
        )
        return f"step {use.step}: {what}; value {value:.6g}; {names}"

    def plan(self) -> Plan:
        """The plan so far, what is left dropped."""
        return self._games.plan(self._slot)

    def _look(self) -> Seen:
        seen = self._games.observe([self._slot])._asdict()
        mask = self._games.legal([self._slot])[0].astype(np.int8)
        return {**{name: part[0] for name, part in seen.items()}, "action_mask": mask}

    def _info(self, illegal: bool) -> dict[str, Any]:
        return {
            "action_mask": self._games.legal([self._slot])[0].astype(np.int8),
            "illegal": bool(illegal),
            "value": self._games.value(self._slot),
        }


def _space(part: NDArray[Any]) -> spaces.Box:
    if part.dtype == np.float32:
        return spaces.Box(LEAST, MOST, part.shape, np.float32)
    if part.dtype == np.int8:
        return spaces.Box(0, 1, part.shape, np.int8)
    return spaces.Box(-1, 2**20, part.shape, np.int32)
