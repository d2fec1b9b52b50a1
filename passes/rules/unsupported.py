"""Operations without a rule, and why. Each reason ends the sentence "`stablehlo.x` at … "."""

from __future__ import annotations

from cosmalloc.passes.rules.rule import named

_DYNAMIC = (
    "takes its shape from data",
    "export with concrete shapes; the pass `stablehlo-refine-shapes` may make it static",
)
_TOKEN = ("orders side effects by tokens", "map the part of the program without host transfers")
_TUPLE = ("passes tuples", "flatten the program's tuples into separate values")
_ASYNC = ("runs asynchronously", "map the program before its collectives are made asynchronous")
_LEGACY = (
    "was removed from StableHLO",
    "run the pass `stablehlo-legalize-deprecated-ops` first",
)

_CALLBACK = ("calls back into the host", "map the part of the program without callbacks")

Reason = tuple[str, str]  # fact, hint

REASONS: dict[str, Reason] = {
    **dict.fromkeys(
        named(
            "stablehlo",
            "dynamic_broadcast_in_dim dynamic_conv dynamic_gather dynamic_iota dynamic_pad "
            "dynamic_reshape real_dynamic_slice set_dimension_size",
        ),
        _DYNAMIC,
    ),
    **dict.fromkeys(named("stablehlo", "after_all create_token infeed outfeed recv send"), _TOKEN),
    **dict.fromkeys(named("stablehlo", "get_tuple_element tuple"), _TUPLE),
    **dict.fromkeys(named("stablehlo", "async_done async_start"), _ASYNC),
    **dict.fromkeys(named("stablehlo", "einsum unary_einsum"), _LEGACY),
    "sdy.manual_computation": (
        "runs on several devices",
        "map the program of one device, after partitioning",
    ),
}

CALLS: dict[str, Reason] = {  # targets of `stablehlo.custom_call`
    "shape_assertion": ("asserts symbolic shapes", _DYNAMIC[1]),
    **dict.fromkeys(
        ("xla_python_cpu_callback", "xla_ffi_python_cpu_callback", "xla_python_gpu_callback"),
        _CALLBACK,
    ),
}
