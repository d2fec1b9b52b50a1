"""Ray, played in this process: as much of it as actors need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any


class DiedError(Exception):
    """What a task of a dead actor gives."""


class LostError(Exception):
    """Another way to be gone."""


@dataclass(frozen=True)
class Ref:
    """An object that Ray holds."""

    value: Any


class FakeRay:
    """processors: of the cluster. deaths: how many tasks in a row kill the actor of this number.
    refuses: what `init` raises. slow: no task ever ends. cut: the link to the cluster is lost."""

    def __init__(
        self,
        processors: int = 2,
        deaths: dict[int, int] | None = None,
        refuses: Exception | None = None,
    ) -> None:
        self.processors = processors
        self.deaths = deaths or {}
        self.refuses = refuses
        self.up = False
        self.slow = False
        self.cut = False
        self.asked: dict[str, Any] = {}
        self.held: list[Any] = []
        self.alive: list[Any] = []
        self.exceptions = SimpleNamespace(
            RayActorError=DiedError,
            WorkerCrashedError=LostError,
            OutOfMemoryError=LostError,
            ObjectLostError=LostError,
        )

    def is_initialized(self) -> bool:
        return self.up

    def init(self, **words: Any) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.asked, self.up = words, True

    def shutdown(self) -> None:
        self.up = False

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self.processors), "memory": 1e9}

    def put(self, value: Any) -> Ref:
        self.held.append(value)
        return Ref(value)

    def get(self, task: Callable[[], Any]) -> Any:
        self._reach()
        return task()

    def _reach(self) -> None:
        if self.cut:
            raise ConnectionError("the channel is closed")

    def wait(self, tasks: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        assert timeout > 0
        return ([], tasks) if self.slow else (tasks, [])

    def kill(self, handle: Any) -> None:
        self._reach()
        if handle in self.alive:
            self.alive.remove(handle)

    def remote(self, **_words: Any) -> Callable[[type], Any]:
        return lambda made: SimpleNamespace(remote=lambda *given: self._start(made, given))

    def _start(self, made: type, given: tuple[Any, ...]) -> Any:
        actor = made(*map(_resolved, given))
        handle = _Handle(hand=SimpleNamespace(remote=lambda *words: self._task(actor, words)))
        self.alive.append(handle)
        return handle

    def _task(self, actor: Any, words: tuple[Any, ...]) -> Callable[[], Any]:
        number = actor._actor

        def run() -> Any:
            if self.deaths.get(number, 0) > 0:
                self.deaths[number] -= 1
                raise DiedError
            return actor.hand(*map(_resolved, words))

        return run


class _Handle(SimpleNamespace):
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def _resolved(given: Any) -> Any:
    return given.value if isinstance(given, Ref) else given
