"""The Trace Event Format as rules: a checker that shares nothing with what writes traces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

FIELDS: dict[str, dict[str, tuple[type, ...]]] = {  # per phase its fields beside the common ones
    "M": {"args": (dict,)},
    "X": {"ts": (int, float), "dur": (int, float), "cat": (str,), "args": (dict,)},
    "C": {"ts": (int, float), "args": (dict,)},
    "s": {"ts": (int, float), "cat": (str,), "id": (int, str)},
    "f": {"ts": (int, float), "cat": (str,), "id": (int, str), "bp": (str,)},
}
COMMON: dict[str, tuple[type, ...]] = {"ph": (str,), "name": (str,), "pid": (int,), "tid": (int,)}
METADATA = {"process_name": str, "thread_name": str, "thread_sort_index": int}


def complaints(trace: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a trace, in the object form with `traceEvents`."""
    events = trace["traceEvents"]
    for event in events:
        yield from _typed(event)
    yield from _tracks(events)
    yield from _flows(events)


def _typed(event: Mapping[str, Any]) -> Iterator[str]:
    if event.get("ph") not in FIELDS:
        yield f"unknown phase: {event}"
        return
    for key, types in (COMMON | FIELDS[event["ph"]]).items():
        if not isinstance(event.get(key), types) or isinstance(event.get(key), bool):
            yield f"{key} is no {types}: {event}"
    if event.get("ts", 0) < 0 or event.get("dur", 0) < 0:
        yield f"negative time: {event}"
    if event["ph"] == "C" and not all(isinstance(v, int | float) for v in event["args"].values()):
        yield f"a counter without numbers: {event}"
    if event["ph"] == "M":
        (value,) = event["args"].values()
        if not isinstance(value, METADATA[event["name"]]):
            yield f"metadata: {event}"


def _tracks(events: list[Mapping[str, Any]]) -> Iterator[str]:
    """Times never fall on a track, and its slices don't overlap."""
    end: dict[tuple[str, int], float] = defaultdict(float)
    named = {e["tid"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    for event in events:
        if event["ph"] not in ("X", "C"):
            continue
        track = event["ph"], event["tid"]
        if event["ts"] < end[track] - 1e-6:
            yield f"before {end[track]}: {event}"
        end[track] = event["ts"] + event.get("dur", 0)
        if event["ph"] == "X" and event["tid"] not in named:
            yield f"a track without a name: {event}"


def _flows(events: list[Mapping[str, Any]]) -> Iterator[str]:
    """Every flow starts once, ends once, in that order, each on a slice."""
    starts = {(e["cat"], e["name"], e["id"]): e for e in events if e["ph"] == "s"}
    ends = {(e["cat"], e["name"], e["id"]): e for e in events if e["ph"] == "f"}
    counted = sum(e["ph"] in "sf" for e in events)
    if starts.keys() != ends.keys() or counted != len(starts) + len(ends):
        yield "flows without both ends, or with several"
    slices = {(e["tid"], e["ts"]) for e in events if e["ph"] == "X"}
    for key, start in starts.items():
        if key in ends and ends[key]["ts"] < start["ts"]:
            yield f"a flow backwards: {start}"
    for event in (*starts.values(), *ends.values()):
        if (event["tid"], event["ts"]) not in slices:
            yield f"a flow on no slice: {event}"
