"""What README.md shows is what happens; the pages under docs/ are read by test_docs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{path.stem}-{number}")
    for path in TEXTS[:1]
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_python_block_runs(block: str) -> None:
    exec(compile(block, "block", "exec"), {})


def test_the_commands_of_the_readme_run_in_its_order(tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples/models/artifacts/cnn.mlirbc", tmp_path / "MODEL")
    shutil.copy(ROOT / "examples/models/artifacts/cnn.mlirbc", tmp_path / "FILE.mlir")
    (tmp_path / "BUFFERS.csv").write_text("id,lower,upper,size\na,0,2,4\nb,1,3,4\n")
    lines = re.findall(r"^    (cosmalloc .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(lines) >= 6
    for line in lines:
        words = shlex.split(line.partition("#")[0])
        command = [str(Path(sys.executable).parent / words[0]), *words[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_links_lead_somewhere() -> None:
    for path in TEXTS:
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
