"""Leaders are a permutation: each seat leads once in n views, and epochs differ."""

import pytest

from quorate.core.bft.leader import compute_leader_order


@pytest.mark.parametrize("seats", range(1, 11))
def test_every_seat_leads_equally_often(seats: int) -> None:
    order = compute_leader_order(bytes(32), 0, b"\1" * 32, seats)
    assert sorted(order) == list(range(seats))


def test_order_depends_on_domain_epoch_and_carried_result() -> None:
    inputs = [
        (bytes(32), 0, bytes(32)),
        (b"\1" * 32, 0, bytes(32)),
        (bytes(32), 1, bytes(32)),
        (bytes(32), 0, b"\1" * 32),
    ]
    orders = {compute_leader_order(*each, 10) for each in inputs}
    assert len(orders) == len(inputs)
    assert compute_leader_order(*inputs[0], 10) == compute_leader_order(*inputs[0], 10)
