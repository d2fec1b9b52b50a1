"""What links and lone uses are worth under `anywhere` when the objective is latency: seconds.

    save(u)  = seconds(step of u | u off-chip) - seconds(step of u | u on chip)
    price(l) = save(u) if the link brings u on chip + save(u + 1) likewise
               - share * seconds of the copies that it adds

All other uses are as they are. share: the part of a copy's seconds that is expected to stall.
"""

from __future__ import annotations

import numpy as np

from cosmalloc.greedy.effects import Moved, effects
from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.prices import Floats
from cosmalloc.greedy.roofline import Roofline
from cosmalloc.greedy.uses import Bools, Uses


class AnywhereSeconds:
    """Prices; see `cosmalloc.greedy.prices.Prices`."""

    may_leave = True

    def __init__(self, uses: Uses, roofline: Roofline, share: float) -> None:
        self.lone = np.zeros(len(uses.step), np.bool_)
        self._uses = uses
        self._roofline = roofline
        self._share = share
        self._on = self.lone.copy()
        self._moving = roofline.moving_seconds(self._on)  # of each step, off-chip and on chip
        target = uses.problem.target
        self._load = uses.bytes / target.offchip_read_bytes_per_second
        self._store = uses.bytes / target.offchip_write_bytes_per_second

    def per_link(self, kept: Bools) -> Floats:
        return self._links(kept, slice(0, len(kept)))

    def per_tensor(self, kept: Bools) -> Floats:
        uses, every = self._uses, slice(0, len(kept))
        self._follow(kept, every)
        now = effects(uses, kept, self.lone, every)
        whole = effects(uses, ~uses.last, self.lone, every)
        saved = np.zeros(len(uses.bytes))
        np.add.at(saved, uses.tensor, np.where(now.on, 0.0, self._save(every)))
        copies = self._copies(whole.now, every) - self._copies(now.now, every)
        saved[uses.tensor] -= copies
        return saved

    def per_use(self, kept: Bools) -> Floats:
        every = slice(0, len(kept))
        self._follow(kept, every)
        found = effects(self._uses, kept, self.lone, every)
        copies = self._copies(found.alone, every) - self._copies(found.now, every)
        return np.where(found.on, 0.0, self._save(every) - copies)

    def total(self, kept: Bools) -> float:
        every = slice(0, len(kept))
        first = self._uses.begin[:-1][np.diff(self._uses.begin) > 0]
        found = effects(self._uses, kept, self.lone, every)
        copies = self._copies(found.now, every)[first].sum()
        return float(self._roofline.seconds(found.on).sum() + copies)

    def update(self, price: Floats, kept: Bools, tensor: int) -> None:
        rows = self._uses.rows_of(tensor)
        price[rows] = self._links(kept, rows)

    def _links(self, kept: Bools, rows: slice) -> Floats:
        self._follow(kept, rows)
        found = effects(self._uses, kept, self.lone, rows)
        save = self._save(rows)
        after = np.append(save[1:], 0.0)
        copies = self._copies(found.beside, rows) - self._copies(found.without, rows)
        gain = np.where(found.left, 0.0, save) + np.where(found.right, 0.0, after) - copies
        return np.where(self._uses.last[rows], 0.0, gain)

    def _follow(self, kept: Bools, rows: slice) -> None:
        """Takes note of which uses of these rows are on chip."""
        on = Choice.of(kept[rows], self.lone[rows]).on
        change = on.astype(np.int64) - self._on[rows]
        seconds = self._roofline.near[rows] - self._roofline.off[rows]
        np.add.at(self._moving, self._uses.step[rows], change * seconds)
        self._on[rows] = on

    def _save(self, rows: slice) -> Floats:
        """float64[R]: save(u)."""
        step, roofline = self._uses.step[rows], self._roofline
        off, near = roofline.off[rows], roofline.near[rows]
        others = self._moving[step] - np.where(self._on[rows], near, off)
        compute = roofline.compute[step]
        return np.maximum(compute, others + off) - np.maximum(compute, others + near)

    def _copies(self, moved: Moved, rows: slice) -> Floats:
        tensor = self._uses.tensor[rows]
        seconds = moved.loads * self._load[tensor] + moved.stores * self._store[tensor]
        return self._share * seconds
