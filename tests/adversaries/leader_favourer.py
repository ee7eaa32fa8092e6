"""An author that sends its batches to the leader only, so that nobody else holds them in time.

The leader must not name what no quorum holds; if it does, the others must fetch or give up
(docs/protocol.md#B3).
"""

from tests.adversaries.base import Adversary


class LeaderFavourer(Adversary):
    """Sends each own batch to who leads the view at hand."""

    def choose_receivers(self, name: bytes, nodes: list[int]) -> list[int]:
        """Return the leader only."""
        engine = self.node.replica
        if engine is None:
            return nodes
        self.forged += 1
        return [node for node in nodes if node == engine.leader(engine.view)]
