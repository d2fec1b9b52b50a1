"""Each `passes/*.mlir`: a pipeline, a module, and the text that comes out.

To write what comes out now into the files: `COSMALLOC_UPDATE=1 pytest tests/test_pass_texts.py`,
then read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cosmalloc.passes import Pipeline, context

FILES = sorted((Path(__file__).parent / "passes").glob("*.mlir"))
LINE = "// ---- becomes\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_pipeline_turns_the_module_into_the_text_below_it(path: Path) -> None:
    source, _, expected = path.read_text().partition(LINE)
    pipeline = source.partition("\n")[0].removeprefix("// pipeline: ")
    if "lower-to-memref" in pipeline:
        pytest.importorskip("torch_mlir", reason="the extra [mlir] is not installed")
    module = context.parse(source, path.name)
    Pipeline.parse(pipeline).run(module)
    text = context.to_text(module)
    if os.environ.get("COSMALLOC_UPDATE"):
        path.write_text(f"{source}{LINE}{text}")
    assert text.strip() == (text if os.environ.get("COSMALLOC_UPDATE") else expected).strip()


def test_every_pass_has_a_text_test() -> None:
    from cosmalloc.passes.registry import passes

    named = " ".join(path.read_text().partition("\n")[0] for path in FILES)
    assert [name for name in passes() if name not in named] == []
