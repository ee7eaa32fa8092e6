"""Violations planted for every checker, so that none can be one that never fires."""

from tests.sim.planted import chains, storages, votes
from tests.sim.planted.scene import PLANTED, Sequence, make_world

__all__ = ["PLANTED", "Sequence", "chains", "make_world", "storages", "votes"]
