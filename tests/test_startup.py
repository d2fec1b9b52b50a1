"""The startup benchmark reads what Python says about its imports; no test here measures time."""

from __future__ import annotations

from benchmarks.startup import COMMANDS, imports


def test_imports_are_counted_by_package() -> None:
    found = imports("cosmalloc --version")
    assert {"cosmalloc", "typer", "Python's own"} <= set(found)
    assert not {"jax", "numpy", "pulp", "rich"} & set(found)
    assert all(seconds >= 0 for seconds in found.values())
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_mapping_loads_mlir_but_neither_a_solver_s_library_nor_a_plotting_one() -> None:
    found = imports("cosmalloc map cnn.mlirbc")
    assert {"jaxlib", "numpy"} <= set(found)
    assert not {"pulp", "highspy", "matplotlib", "bokeh", "jax"} & set(found)
    assert "cosmalloc --help" in COMMANDS
