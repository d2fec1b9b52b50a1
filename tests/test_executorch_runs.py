"""ExecuTorch itself, where it is installed: the planner is registered, the program runs."""

import pytest

pytest.importorskip("executorch.exir", reason="needs executorch: see docs/executorch.md")
pytestmark = pytest.mark.filterwarnings("default")

from benchmarks import plugin  # noqa: E402 - after the skip


@pytest.mark.parametrize("name", ["mlp", "transformer"])
def test_a_program_planned_here_is_no_larger_and_computes_the_same(name, tmp_path):
    greedy, _, mine = plugin.compare(name, 2.0, tmp_path)
    sizes = [int(row[3].replace(",", "")) for row in (greedy, mine)]
    assert sizes[1] <= sizes[0]
    assert int(mine[4].replace(",", "")) <= sizes[1]
    assert mine[6] == "0"
    assert float(mine[7]) < 1e-4


def test_a_branch_gets_its_memory_beside_its_parents(tmp_path):
    import torch

    from cosmalloc.executorch import MemoryPlanner

    class Branch(torch.nn.Module):
        def forward(self, x):
            y = torch.sin(x) * 2
            z = torch.cond(
                y.sum() > 0, lambda a: (a + 1) * (a - 1), lambda a: torch.exp(a) + a, (y,)
            )
            return torch.relu(z + y)

    for sign in (1.0, -1.0):
        inputs = (sign * torch.ones(4, 8),)
        program = plugin.lowered(Branch(), inputs, MemoryPlanner())
        (tmp_path / "branch.pte").write_bytes(program.buffer)
        (output,) = plugin.executed(tmp_path / "branch.pte", inputs)
        torch.testing.assert_close(output, Branch()(*inputs))
