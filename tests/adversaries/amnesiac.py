"""A seat whose volume is put back from an old copy: its engine is honest, its memory is not.

The peers' answers must show it (docs/protocol.md#L5), so that it never signs in this epoch again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.adversaries.base import Adversary

if TYPE_CHECKING:
    from tests.sim.disk import Disk


class Amnesiac(Adversary):
    """Takes a copy of its log at one crash and restarts from it at later ones."""

    # One in so many crashes makes the copy anew; 0: never.
    anew = 3
    _copy: Disk | None = None

    def choose_disk(self, disk: Disk) -> Disk:
        """Return the old copy when there is one."""
        if self._copy is None or (self.anew and self.rng.randrange(self.anew) == 0):
            self._copy = disk.copy()
        else:
            self.forged += 1
        return self._copy.copy()
