"""How many validators take new lanes: as few as the load needs (docs/adr/005-pace.md).

Every validator checks every transaction whoever batches it, so spreading authors saves nothing; but
each author's batch costs every validator a dozen messages. One author at little load makes fewer
and larger batches; more are added before one's share grows over what it batches without queueing.
"""

from typing import Final

RATE_PER_VALIDATOR: Final = 700
WINDOW_S: Final = 0.25
# Fewer again only when the load is well below what fewer can take.
CALM_PERCENT: Final = 70


class Spread:
    """Measures the rate of transactions that come in; `active` is how many validators to use."""

    def __init__(self) -> None:
        self.active = 1
        self._count = 0
        self._since_s = 0.0

    def note(self, transactions: int, now_s: float) -> bool:
        """Count transactions; True when `active` changed."""
        self._count += transactions
        passed_s = now_s - self._since_s
        if passed_s < WINDOW_S:
            return False
        rate = self._count / passed_s
        self._count, self._since_s = 0, now_s
        before, wanted = self.active, 1 + int(rate // RATE_PER_VALIDATOR)
        if wanted > before or rate * 100 < RATE_PER_VALIDATOR * (before - 1) * CALM_PERCENT:
            self.active = wanted
        return self.active != before
