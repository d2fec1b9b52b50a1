"""What XLA makes of an offloaded function for a GPU: no GPU is needed, but the compiler is."""

from importlib.util import find_spec

import jax
import jax.numpy as jnp
import pytest

from benchmarks.absent_gpu import absent_gpu, compile_for
from cosmalloc.jax import compiled_bytes, fitted, offload
from tests.offload_models import least, train_step

pytestmark = [
    pytest.mark.skipif(
        find_spec("jax_plugins") is None or find_spec("jax_plugins.xla_cuda12") is None,
        reason="needs jax-cuda12-plugin and jax-cuda12-pjrt",
    ),
    pytest.mark.filterwarnings("default"),
]
OPTIONS = {"platform": "cuda", "solver": "greedy"}


def arguments():
    make = jax.ShapeDtypeStruct
    layer = {"w": make((256, 256), jnp.float32), "b": make((256,), jnp.float32)}
    return [layer] * 6, make((8192, 256), jnp.float32)


def test_every_copy_stands_in_the_compiled_program_and_memory_follows_the_plan():
    gpu, given = absent_gpu(), arguments()
    plain = compiled_bytes(compile_for(gpu, train_step, given))
    sizes = []
    low = least(train_step, *given, **OPTIONS)
    for limit in (low, (low + plain) // 2, 2 * plain):
        tight = offload(train_step, limit, **OPTIONS)
        compiled = compile_for(gpu, tight, given)
        text = compiled.as_text()
        copies = tight.prepare(*given).plan.transfers
        assert text.count(" copy-start(") == len(copies)
        assert text.count("S(5)}, f32") + text.count("S(5)}, u32") >= len(copies)
        sizes.append(compiled_bytes(compiled))
        assert sizes[-1] <= 1.25 * tight.latest.peak_bytes
    assert sizes[0] < sizes[1] < plain


def test_a_fitted_limit_holds_in_the_compiled_program():
    gpu, given = absent_gpu(), arguments()
    limit = round(1.5 * least(train_step, *given, **OPTIONS))
    made = fitted(train_step, limit, given, build=lambda f: compile_for(gpu, f, given), **OPTIONS)
    assert compiled_bytes(compile_for(gpu, made, given)) <= limit
    assert made.latest.moved_bytes > 0
