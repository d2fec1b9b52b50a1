"""What XLA itself reports, and limits that hold for it."""

import jax
import pytest

from cosmalloc import InputError
from cosmalloc.jax import compiled_bytes, fitted, offload
from tests.offload_models import deep, deep_arguments, least


class Report:
    """An analysis as XLA gives one."""

    def __init__(self, temporary):
        self.argument_size_in_bytes = self.output_size_in_bytes = self.alias_size_in_bytes = 0
        self.temp_size_in_bytes = temporary

    def memory_analysis(self):
        return self


def test_the_compiled_bytes_are_arguments_results_and_what_lies_between():
    arguments = deep_arguments()
    compiled = jax.jit(deep).lower(*arguments).compile()
    steady = sum(leaf.nbytes for leaf in jax.tree.leaves(arguments)) + arguments[1].nbytes
    between = compiled.memory_analysis().temp_size_in_bytes
    assert compiled_bytes(compiled) == steady + between
    donated = jax.jit(deep, donate_argnums=1).lower(*arguments).compile()
    assert compiled_bytes(donated) < compiled_bytes(compiled)


def test_the_limit_is_lowered_by_what_xla_adds():
    arguments = deep_arguments()
    asked, extra = least(deep, *arguments) + 20_000, 10_000
    seen = []

    def build(made):
        seen.append(made.prepare(*arguments).device_bytes)
        return Report(made.latest.peak_bytes + extra)

    made = fitted(deep, asked, arguments, build=build)
    assert made.latest.peak_bytes + extra <= asked
    assert seen == sorted(seen, reverse=True)
    assert seen[0] == asked


def test_a_limit_that_xla_cannot_keep_is_an_error_with_its_count():
    arguments = deep_arguments()
    with pytest.raises(InputError, match="XLA holds 1,000,000 bytes at least, 90,000 were asked"):
        fitted(deep, 90_000, arguments, build=lambda made: Report(1_000_000))


def test_a_limit_below_the_least_names_the_least():
    with pytest.raises(InputError, match="are the least that work"):
        fitted(deep, 10, deep_arguments())


def test_a_limit_with_room_is_kept_on_every_platform():
    arguments = deep_arguments()
    made = fitted(deep, "64MiB", arguments, seconds=1.0)
    assert isinstance(made, type(offload(deep, 1)))
    assert made.latest.moved_bytes == 0
