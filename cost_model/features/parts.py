"""Operations of which a compiler does the part that is read, and operations that it does whole."""

from __future__ import annotations

WHOLE = frozenset(
    f"stablehlo.{name}"
    for name in (
        *("dot_general", "convolution", "fft", "sort", "scatter", "select_and_scatter"),
        *("triangular_solve", "cholesky", "custom_call"),
    )
)
PARTIAL = frozenset(
    f"stablehlo.{name}"
    for name in (
        *("slice", "dynamic_slice", "gather", "reshape", "transpose", "concatenate", "pad"),
        *("convert", "bitcast_convert", "reverse", "select"),
    )
)
