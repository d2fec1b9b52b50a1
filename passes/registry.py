"""Our passes by the name a pipeline calls them."""

from __future__ import annotations

from functools import cache

from cosmalloc.passes.pass_base import ModulePass


@cache
def passes() -> dict[str, type[ModulePass]]:
    """Name -> pass."""
    from cosmalloc.passes.group_operators import GroupOperators
    from cosmalloc.passes.inline import Inline

    return {kind.argument: kind for kind in (Inline, GroupOperators)}
