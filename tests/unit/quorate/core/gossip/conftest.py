"""Makes checked transactions for mempool tests, without signatures or encoding."""

from hashlib import sha256

import pytest

from quorate.core.gossip.entries import Checked, build_slot
from quorate.core.gossip.mempool import Mempool
from quorate.core.params import Params


class Maker:
    """Makes transactions of numbered senders."""

    @staticmethod
    def sender(number: int) -> bytes:
        """Return the address of a sender."""
        return sha256(b"sender%d" % number).digest()

    def make(
        self, sender: int, sequence: int, *, lane: int = 0, salt: int = 0, **fields: int | bytes
    ) -> Checked:
        """Return a transaction; `salt` makes another one for the same place."""
        slot = build_slot(self.sender(sender), lane, sequence)
        id_ = sha256(slot + bytes((salt,))).digest()
        base = Checked(id_, slot, sequence, 50, 1_000, 0, 100, 1, 100, lane, 0, b"", b"")
        return base._replace(**fields)


@pytest.fixture
def maker() -> Maker:
    """Makes transactions."""
    return Maker()


@pytest.fixture
def mempool(maker: Maker) -> Mempool:
    """A mempool that knows senders 0 to 9, each with much money, at height 1."""
    pool = Mempool(Params(), 1_000_000)
    pool.height = 1
    for number in range(10):
        pool.put_account(maker.sender(number), 10**9, [], 1)
    return pool
