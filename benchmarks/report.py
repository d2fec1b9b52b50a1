"""Reports: size, seconds to write, first paint in Chromium: `python -m benchmarks.report`.

    pip install 'cosmalloc[bench,dev]'; apt-get install chromium
    python -m benchmarks.report [--model FILE | --cache FOLDER] [--runs N]

Plans: NASNetMobile (Keras) in 2 MiB, with elements of one byte, all operands on chip; as float32,
where operands may stay off-chip; and a chain of 9,000 small operators, over 10,000 residencies.

write: reading problem.json and plan.json, making the page and writing it, in a process that has
imported nothing yet; of it imports; cpu: processor time of that process, for busy machines. paint:
`first-contentful-paint`; drawn: figures and controls are there; frame: from a move by a twentieth
to the next frame, all in a browser just started. Medians of N runs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.keras_models import CACHE, keras_artifact
from cosmalloc import map_model, solve
from cosmalloc.interchange import write_outcome, write_problem
from cosmalloc.plan import Outcome
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.target_file import custom, load_target

WRITE = """
import json, sys, time
began = time.perf_counter()
import bokeh.plotting, bokeh.embed, cosmalloc.report.page, cosmalloc.interchange
imported = time.perf_counter()
from cosmalloc.interchange import read_outcome, read_problem
from cosmalloc.report import report_html, view_of
folder = sys.argv[1]
problem = read_problem(folder + "/problem.json")
view = view_of(problem, read_outcome(folder + "/plan.json", problem))
open(folder + "/report.html", "w").write(report_html(view))
print(json.dumps([time.perf_counter() - began, imported - began, time.process_time()]))
"""
FRAMES = """async () => {
  const sheet = cosmalloc.sheets[0], took = [];
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  sheet.zoom(1.2, false);
  await frame();
  for (let i = 0; i < 9; i++) {
    await new Promise((done) => setTimeout(done, 400));
    const began = performance.now();
    sheet.pan(i % 2 ? -0.05 : 0.05, 0);
    await frame();
    took.push(performance.now() - began);
  }
  return took.sort((a, b) => a - b)[4];
}"""
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
HEAD = (
    *("plan", "residencies", "copies", "MB", "write s", "imports s", "cpu s"),
    *("paint ms", "drawn ms", "frame ms"),
)
OPERATORS, REACH, ROOM = 9_000, 200, 30_000


@dataclass(frozen=True)
class Seen:
    """What a browser took, in milliseconds."""

    paint: float
    drawn: float
    frame: float


def chain(operators: int = OPERATORS) -> Problem:
    """Operators that read the last result and, every third, one of up to `REACH` steps before."""
    sizes = [16 * (1 + (37 * i) % 199) for i in range(operators)]
    tensors = [Tensor("x", 1000, "input")]
    made = []
    for index, size in enumerate(sizes):
        reads = [index]
        far = index - (53 * index) % REACH
        if index % 3 == 0 and 0 <= far < index:
            reads.append(far)
        kind = "output" if index == operators - 1 else "intermediate"
        tensors.append(Tensor(f"t{index}", size, kind))
        accessed = tuple(tensors[t].bytes for t in reads)
        ends = tuple(reads), (index + 1,)
        made.append(Operator(f"o{index}", "op", *ends, accessed, (size,), 2e-12 * size))
    target = replace(load_target("npu-2mib"), name="small", scratchpad_bytes=ROOM)
    return Problem(f"chain of {operators:,}", target, tuple(tensors), tuple(made))


def plans(model: Path) -> Iterator[tuple[str, Problem, Outcome]]:
    """The plans whose reports are measured."""
    small = map_model(model, target="npu-2mib", bytes_per_element=1, solver="greedy")
    yield "NASNetMobile, int8, resident, 2 MiB", small.problem, small.outcome
    anywhere = custom(load_target("npu-2mib"), operand_rule="anywhere")
    large = map_model(model, target=anywhere, solver="greedy")
    yield "NASNetMobile, float32, anywhere, 2 MiB", large.problem, large.outcome
    problem = chain()
    yield problem.name, problem, solve(problem, solver="greedy")


def write(folder: Path) -> tuple[float, float, float]:
    """Seconds for the report of the plan in a folder, of them for imports, of the processor."""
    words = [sys.executable, "-c", WRITE, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    whole, imports, processor = json.loads(done.stdout)
    return whole, imports, processor


def look(report: Path, chromium: str) -> Seen:
    """The report in a browser just started."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.goto(report.as_uri())
        page.wait_for_selector("body[data-ready]", timeout=120_000)
        when = "(name) => performance.getEntriesByName(name)[0].startTime"
        paint, drawn = (page.evaluate(when, n) for n in ("first-contentful-paint", "ready"))
        frame = page.evaluate(FRAMES)
        browser.close()
    return Seen(paint, drawn, frame)


def row(
    name: str, problem: Problem, outcome: Outcome, runs: int, chromium: str | None
) -> list[str]:
    """One line of the table."""
    assert outcome.plan is not None
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_problem(folder / "problem.json", problem)
        write_outcome(folder / "plan.json", outcome, problem)
        took = [write(folder) for _ in range(runs)]
        report = folder / "report.html"
        size = report.stat().st_size
        seen = [look(report, chromium) for _ in range(runs)] if chromium else []
    cells = [name, f"{len(outcome.plan.residencies):,}", f"{len(outcome.plan.transfers):,}"]
    cells += [f"{size / 1e6:.2f}", *(f"{median(each):.2f}" for each in zip(*took, strict=True))]
    for key in ("paint", "drawn", "frame"):
        cells.append(f"{median(getattr(s, key) for s in seen):.0f}" if seen else "-")
    return cells


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder (default: %(default)s)")
    parser.add_argument("--model", type=Path, help="NASNetMobile as exported before")
    parser.add_argument("--runs", type=int, default=5, help="per figure (default: %(default)s)")
    options = parser.parse_args(words)
    model = options.model or keras_artifact("NASNetMobile", options.cache)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    print(f"| {' | '.join(HEAD)} |")
    print(f"|{'---|' * len(HEAD)}")
    for name, problem, outcome in plans(model):
        print(f"| {' | '.join(row(name, problem, outcome, options.runs, chromium))} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
