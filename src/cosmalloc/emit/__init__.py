"""A plan in the form that a compiler or a runtime takes: C tables with a runtime to walk them."""

from cosmalloc.emit.c import c_files as c_files
from cosmalloc.emit.constants import constants as constants
from cosmalloc.emit.walk import Copy as Copy
from cosmalloc.emit.walk import Event as Event
from cosmalloc.emit.walk import Step as Step
from cosmalloc.emit.walk import Walk as Walk
from cosmalloc.emit.walk import walk as walk

__all__ = ["Copy", "Event", "Step", "Walk", "c_files", "constants", "walk"]
