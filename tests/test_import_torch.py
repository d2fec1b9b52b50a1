"""`torch.export` programs and `.pt2` files: what they compute, and the names of their weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosmalloc import InputError, map_model
from cosmalloc.passes import Opening, import_model

torch = pytest.importorskip("torch", reason="needs torch, a build for CPUs")
pytest.importorskip("torch_mlir", reason="needs the extra `[mlir]`")
pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own


@pytest.fixture(scope="module")
def program() -> Any:
    class Net(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)
            self.norm = torch.nn.BatchNorm2d(8)
            self.head = torch.nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            y = torch.relu(self.norm(self.conv(x)))
            y = torch.nn.functional.max_pool2d(y, 2).flatten(1)
            return torch.softmax(self.head(y), -1)

    torch.manual_seed(0)
    return torch.export.export(Net().eval(), (torch.zeros(1, 3, 8, 8),))


@pytest.fixture(scope="module")
def path(program: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("torch") / "net.pt2"
    torch.export.save(program, file)
    return file


def test_a_program_is_mapped_and_computes_what_torch_does(program: Any, path: Path) -> None:
    mapped = map_model(program, solver="greedy", scratchpad="16KiB")
    weights = import_model(path).weights
    x = np.random.default_rng(0).standard_normal((1, 3, 8, 8), np.float32)
    (mine,) = mapped.execute(x, *weights.values())
    theirs = program.module()(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(mine, theirs, 1e-4, 1e-5)


def test_weights_keep_their_names_and_unused_ones_go(path: Path) -> None:
    found = import_model(path)
    assert "params['conv.weight']" in found.weights
    assert "params['norm.running_mean']" in found.weights
    assert not any("num_batches" in name for name in found.weights)
    problem = map_model(path, solver="greedy").problem
    assert {t.name for t in problem.tensors if t.kind == "input"} == {"x"}
    assert {t.name for t in problem.tensors if t.kind == "weight"} >= set(found.weights)


def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "net.pt2"
    file.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(InputError, match="is no exported program"):
        map_model(file)


def test_shapes_of_a_program_are_fixed(path: Path) -> None:
    with pytest.raises(InputError, match="--shape was given"):
        import_model(path, Opening({"x": (1, 3, 8, 8)}))
