"""The channel between the memories: queues of copies, first in, first out, and what they share.

With both queues non-empty each head moves at half the speed given; a queue alone has all of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

INFINITY = float("inf")


class Channel:
    """Copies under way. A clock that only moves when told to.

    start, stop: float per copy: seconds at which it reached the head of its queue and was done.
    """

    def __init__(self, need: Sequence[float], queue_of: Sequence[int]) -> None:
        """need: channel seconds of each copy. queue_of: 0 or 1, the queue it joins."""
        self.left = list(need)
        self.queue_of = queue_of
        self.queues: tuple[deque[int], deque[int]] = (deque(), deque())
        self.done = [False] * len(self.left)
        self.start = [INFINITY] * len(self.left)
        self.stop = [INFINITY] * len(self.left)

    def issue(self, copy: int, now: float) -> None:
        """The copy joins the end of its queue."""
        queue = self.queues[self.queue_of[copy]]
        if not queue:
            self.start[copy] = now
        queue.append(copy)

    def run(self, now: float, seconds: float, speed: float) -> None:
        """Copies move for `seconds` while the channel leaves them the share `speed` of itself."""
        end = now + seconds
        while speed > 0 and (heads := self._heads()):
            share = speed / len(heads)
            need = min(self.left[copy] for copy in heads)
            if now + need / share > end:
                for copy in heads:
                    self.left[copy] -= (end - now) * share
                return
            now += need / share
            self._move(heads, need, now)

    def wait(self, copy: int, now: float) -> float:
        """All of the channel until `copy` is done; the moment when it is."""
        while not self.done[copy]:
            heads = self._heads()
            need = min(self.left[other] for other in heads)
            now += need * len(heads)
            self._move(heads, need, now)
        return now

    def _heads(self) -> list[int]:
        return [queue[0] for queue in self.queues if queue]

    def _move(self, heads: Sequence[int], need: float, now: float) -> None:
        for copy in heads:
            self.left[copy] -= need
            if self.left[copy] <= 0:
                self._finish(copy, now)

    def _finish(self, copy: int, now: float) -> None:
        queue = self.queues[self.queue_of[copy]]
        queue.popleft()
        self.done[copy] = True
        self.stop[copy] = now
        if queue:
            self.start[queue[0]] = now
