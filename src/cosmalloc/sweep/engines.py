"""Who runs the cases: this process, several, or Ray. The rows are the same, whoever does.

    serial      one after the other, here
    processes   `workers` processes of this machine
    ray         `workers` processes that Ray runs, or the cluster that RAY_ADDRESS names

Rows are the same where a solver ends by itself; one that a time limit ends may get further on a
quiet machine.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, Literal, get_args

from cosmalloc.errors import InputError
from cosmalloc.ray_door import joined, ray_module
from cosmalloc.sweep.cache import Cache
from cosmalloc.sweep.case import Case, Row, measure

Engine = Literal["serial", "processes", "ray"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
Work = Sequence[tuple[Case, str]]  # cases and their keys


def sweep(
    cases: Sequence[Case],
    *,
    engine: Engine = "processes",
    workers: int = 2,
    cache: Cache | None = None,
    done: Callable[[Row, bool], None] | None = None,
) -> list[Row]:
    """A row per case, in their order. At Ctrl-C: KeyboardInterrupt, the rows done are in the cache.

    done: told of every row as it comes, and whether the cache had it.
    Raises InputError for an unknown engine, and where Ray is not installed.
    """
    if engine not in ENGINES:
        raise InputError(f"there is no engine `{engine}`", f"use {', '.join(ENGINES)}")
    if not 1 <= workers <= 1024:
        raise InputError(f"{workers} workers can't work", "give 1 to 1024")
    keys = [case.key() for case in cases]
    known: dict[str, Row] = {}
    left: dict[str, Case] = {}
    for key, case in zip(keys, cases, strict=True):
        row = None if cache is None else cache.get(key)
        if row is None:
            left[key] = case
        elif key not in known:
            known[key] = row
            if done is not None:
                done(row, True)
    work = [(case, key) for key, case in left.items()]
    for row in _RUN[engine](work, workers) if work else ():
        known[row.key] = row
        if cache is not None:
            cache.put(row)
        if done is not None:
            done(row, False)
    return [known[key] for key in keys]


def _serial(work: Work, _workers: int) -> Iterator[Row]:
    for case, key in work:
        yield measure(case, key)


def _processes(work: Work, workers: int) -> Iterator[Row]:
    if len(work) == 1:
        yield from _serial(work, workers)
        return
    pool = ProcessPoolExecutor(
        min(workers, len(work)), mp_context=get_context("spawn"), initializer=_deaf
    )
    try:
        tasks = {pool.submit(measure, case, key) for case, key in work}
        try:
            for task in as_completed(tuple(tasks)):
                tasks.discard(task)
                yield task.result()
        except KeyboardInterrupt:  # what runs now is waited for, and kept
            for task in as_completed([task for task in tasks if not task.cancel()]):
                yield task.result()
            raise
    finally:
        pool.shutdown(cancel_futures=True)


def _deaf() -> None:
    """Ctrl-C reaches every process of a terminal; only the first one is to act on it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _ray(work: Work, workers: int) -> Iterator[Row]:
    ray = ray_module("the engine `ray`", "--engine processes")
    with joined(ray, processors=workers):
        task = ray.remote(num_cpus=1, max_retries=3)(_measure_part)
        problems = {id(case.problem): case.problem for case, _ in work}
        held = {key: ray.put(problem) for key, problem in problems.items()}
        waiting = [task.remote(held[id(case.problem)], *_part(case), key) for case, key in work]
        while waiting:
            ready, waiting = ray.wait(waiting)
            yield from ray.get(ready)


def _part(case: Case) -> tuple[Any, ...]:
    """A case without its problem, which Ray holds once for all of its cases."""
    return case.scratchpad, case.solver, case.objective, case.seconds, case.seed


def _measure_part(problem: Any, *words: Any) -> Row:
    *part, key = words
    return measure(Case(problem, *part), key)


_RUN: dict[Engine, Callable[[Work, int], Iterator[Row]]] = {
    "serial": _serial,
    "processes": _processes,
    "ray": _ray,
}
