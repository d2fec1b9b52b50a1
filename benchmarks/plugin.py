"""ExecuTorch plans memory with our allocator.

    python -m benchmarks.plugin --python VENV/bin/python

The environment it needs:

    printf 'torch==2.13.0\n' > constraints.txt      # else gigabytes of CUDA come along
    python3.11 -m venv VENV
    VENV/bin/pip install -c constraints.txt executorch==1.5.1 torch==2.13.0

Networks of torch, written here, are exported and lowered three times: with ExecuTorch's own
algorithm (`greedy`), with the same without its overlaps (`greedy, no overlap`), and with
`cosmalloc.executorch.MemoryPlanner`. Each program is written as a `.pte` and run by ExecuTorch's
runtime on the same inputs. Columns: tensors planned; bytes of the planned memory; the bound that no
packing beats; milliseconds in the algorithm; the largest difference of the outputs from the first
program's and from torch's. Takes two minutes.

Without `--python` it runs where it is. The other interpreter must be of the same version: it gets
this one's packages behind its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

HEAD = (
    "network",
    "algorithm",
    "tensors",
    "bytes",
    "bound",
    "ms",
    "from greedy",
    "from torch",
)
Row = tuple[str, ...]


def mlp() -> tuple[Any, tuple[Any, ...]]:
    """Five layers that grow and shrink, with a skip."""
    import torch
    from torch import nn

    class Mlp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            widths = (64, 512, 384, 768, 128, 64)
            self.layers = nn.ModuleList(map(nn.Linear, widths[:-1], widths[1:]))

        def forward(self, x: Any) -> Any:
            y = x
            for layer in self.layers:
                y = torch.relu(layer(y))
            return y + x

    return Mlp(), (torch.randn(8, 64),)


def transformer() -> tuple[Any, tuple[Any, ...]]:
    """Two blocks of attention and products."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            self.heads, self.first, self.second = heads, nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            b, n, d = x.shape
            parts = self.qkv(self.first(x)).view(b, n, 3, self.heads, d // self.heads)
            q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
            scores = torch.softmax(q @ k.transpose(-1, -2) / (d // self.heads) ** 0.5, -1)
            x = x + self.out((scores @ v).transpose(1, 2).reshape(b, n, d))
            return x + self.down(torch.nn.functional.gelu(self.up(self.second(x))))

    return nn.Sequential(Block(96, 4), Block(96, 4)), (torch.randn(1, 48, 96),)


def mobile() -> tuple[Any, tuple[Any, ...]]:
    """Inverted residual blocks, after MobileNetV2 (Sandler et al., 2018)."""
    import torch
    from torch import nn

    def unit(inside: int, outside: int, size: int, stride: int, groups: int) -> list[Any]:
        conv = nn.Conv2d(inside, outside, size, stride, size // 2, groups=groups, bias=False)
        return [conv, nn.BatchNorm2d(outside), nn.ReLU6()]

    class Inverted(nn.Module):
        def __init__(self, inside: int, outside: int, stride: int, expand: int) -> None:
            super().__init__()
            wide = inside * expand
            self.skip = stride == 1 and inside == outside
            parts = [*unit(inside, wide, 1, 1, 1), *unit(wide, wide, 3, stride, wide)]
            last = nn.Conv2d(wide, outside, 1, bias=False)
            self.body = nn.Sequential(*parts, last, nn.BatchNorm2d(outside))

        def forward(self, x: Any) -> Any:
            return x + self.body(x) if self.skip else self.body(x)

    layers: list[Any] = [nn.Sequential(*unit(3, 32, 3, 2, 1)), Inverted(32, 16, 1, 1)]
    inside = 16
    for outside, count, stride in ((24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1)):
        for index in range(count):
            layers.append(Inverted(inside, outside, stride if index == 0 else 1, 6))
            inside = outside
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, 10)]
    return nn.Sequential(*layers, *head), (torch.randn(1, 3, 96, 96),)


def branched() -> tuple[Any, tuple[Any, ...]]:
    """Branches of different widths that are read at different times, as in Inception or NASNet."""
    import torch
    from torch import nn

    class Cell(nn.Module):
        def __init__(self, width: int, branches: Sequence[int]) -> None:
            super().__init__()
            self.parts = nn.ModuleList(nn.Conv2d(width, b, 3, padding=1) for b in branches)
            self.mixed = nn.Conv2d(sum(branches), width, 1)

        def forward(self, x: Any, older: Any) -> Any:
            made = [torch.relu(part(x if i % 2 else older)) for i, part in enumerate(self.parts)]
            return torch.relu(self.mixed(torch.cat(made[::-1], 1))) + older

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            widths = ((8, 24, 5), (40, 3, 12, 7), (16, 9, 30), (6, 6, 50))
            self.stem = nn.Conv2d(3, 20, 3, padding=1)
            self.cells = nn.ModuleList(Cell(20, each) for each in widths)

        def forward(self, image: Any) -> Any:
            older = x = self.stem(image)
            for cell in self.cells:
                older, x = x, cell(x, older)
            return x.mean((2, 3))

    return Net(), (torch.randn(1, 3, 24, 24),)


NETWORKS: dict[str, Callable[[], tuple[Any, tuple[Any, ...]]]] = {
    made.__name__: made for made in (mlp, transformer, mobile, branched)
}


class Timed:
    """An algorithm as ExecuTorch calls it; its seconds and specs add up."""

    def __init__(self, algorithm: Callable[..., list[int]]) -> None:
        self.algorithm, self.seconds, self.tensors = algorithm, 0.0, 0

    def __call__(self, alignment: int, specs: Any, *rest: Any, **named: Any) -> list[int]:
        self.tensors += len(specs)
        began = time.perf_counter()
        sizes = self.algorithm(alignment, specs, *rest, **named)
        self.seconds += time.perf_counter() - began
        return sizes


def algorithms(seconds: float, told: Callable[[Any], object]) -> dict[str, Callable[..., Any]]:
    """By the name in the table; the first is what the others are compared with."""
    from executorch.exir.memory_planning import MemoryPlanningAlgorithmSuite, greedy

    from cosmalloc.executorch import MemoryPlanner

    apart = partial(greedy, allow_overlapping_allocations=False)
    return {
        "greedy": MemoryPlanningAlgorithmSuite([greedy]),
        "greedy, no overlap": MemoryPlanningAlgorithmSuite([apart]),
        "cosmalloc": MemoryPlanner(seconds, told=told),
    }


def compare(name: str, seconds: float, folder: Path) -> list[Row]:
    """One network under every algorithm."""
    import torch

    torch.manual_seed(0)
    network, inputs = NETWORKS[name]()
    network = lively(network.eval())
    with torch.no_grad():
        expected = network(*inputs)
    found: list[Any] = []
    first, rows = None, []
    for label, algorithm in algorithms(seconds, found.append).items():
        timed = Timed(algorithm)
        program = lowered(network, inputs, timed)
        sizes = program.executorch_program.execution_plan[0].non_const_buffer_sizes
        path = folder / f"{name}-{label.split()[-1]}.pte"
        path.write_bytes(program.buffer)
        (output,) = executed(path, inputs)
        first = output if first is None else first
        rows.append(
            (
                name,
                label,
                str(timed.tensors),
                f"{sum(sizes):,}",
                f"{sum(found[-1].bound.values()):,}" if label == "cosmalloc" else "-",
                f"{timed.seconds * 1e3:.1f}",
                f"{(output - first).abs().max().item():g}",
                f"{(output - expected).abs().max().item():.1e}",
            )
        )
    return rows


def lively(network: Any) -> Any:
    """Random weights through which signals neither fade nor burst: outputs that say something."""
    from torch import nn

    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight)
    return network


def lowered(network: Any, inputs: tuple[Any, ...], algorithm: Callable[..., list[int]]) -> Any:
    """An ExecuTorch program whose memory `algorithm` plans; ExecuTorch's verifier looks at it."""
    import torch
    from executorch.exir import EdgeCompileConfig, ExecutorchBackendConfig, to_edge
    from executorch.exir.memory_planning import Verifier
    from executorch.exir.passes import MemoryPlanningPass

    exported = torch.export.export(network, inputs)
    edge = to_edge(exported, compile_config=EdgeCompileConfig(_check_ir_validity=False))
    planning = MemoryPlanningPass(memory_planning_algo=algorithm)
    program = edge.to_executorch(ExecutorchBackendConfig(memory_planning_pass=planning))
    graph = program.exported_program()
    Verifier(graph.graph_module, True, True, True, graph.graph_signature).verify_storage_reuse()
    return program


def executed(path: Path, inputs: tuple[Any, ...]) -> list[Any]:
    """Outputs of ExecuTorch's runtime."""
    from executorch.runtime import Runtime

    method = Runtime.get().load_program(path).load_method("forward")
    return [output.clone() for output in method.execute(list(inputs))]


def elsewhere(python: str, words: Sequence[str]) -> int:
    """This module in another interpreter, with this one's packages behind its own."""
    here, packages = Path(__file__).parent.parent, sysconfig.get_path("purelib")
    code = (
        "import site, sys\n"
        f"assert sys.version_info[:2] == {sys.version_info[:2]}, sys.version\n"
        f"sys.path.insert(0, {str(here)!r}); site.addsitedir({packages!r})\n"
        f"from benchmarks.plugin import main; main({list(words)!r})\n"
    )
    return subprocess.run([python, "-W", "ignore", "-c", code], check=False).returncode


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), metavar="NETWORK")
    parser.add_argument("--python", metavar="PATH", help="of an environment with executorch")
    parser.add_argument("--seconds", type=float, default=2.0, help="of search in each graph")
    asked = parser.parse_args(words)
    if asked.python is not None:
        sys.exit(elsewhere(asked.python, [*asked.networks, "--seconds", str(asked.seconds)]))
    print(" | ".join(HEAD))
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.networks:
            for row in compare(name, asked.seconds, Path(folder)):
                print(" | ".join(row), flush=True)


if __name__ == "__main__":
    main()
