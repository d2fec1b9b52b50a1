"""Map a JAX function into a small scratchpad, print the plan, run it through its addresses.

python examples/map_a_jax_function.py
"""

import jax
import numpy as np

import cosmalloc


def attention(params, x):
    query, key, value = (x @ params[name] for name in ("query", "key", "value"))
    return jax.nn.softmax(query @ key.T / 8) @ value


keys = jax.random.split(jax.random.key(0), 4)
names = ("query", "key", "value")
params = {n: jax.random.normal(k, (64, 64)) / 8 for n, k in zip(names, keys, strict=False)}
x = jax.random.normal(keys[3], (128, 64))

mapped = cosmalloc.map_model(attention, (params, x), target="npu-2mib", scratchpad="160KiB")
print(mapped.text())
print(mapped.outcome.status, f"{mapped.outcome.value:.0f} bytes beyond the compulsory ones")

(result,) = mapped.execute(params, x)
np.testing.assert_allclose(result, attention(params, x), rtol=1e-5, atol=1e-5)
