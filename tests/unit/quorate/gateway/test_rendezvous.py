"""Rendezvous hashing: even, stable, and moving only what must move."""

from collections import Counter

from quorate.gateway.rendezvous import compute_ranking

NAMES = ["v0", "v1", "v2", "v3", "v4"]
KEYS = [number.to_bytes(33, "big") for number in range(2_000)]


def test_lanes_spread_evenly() -> None:
    counts = Counter(compute_ranking(key, NAMES)[0] for key in KEYS)
    assert sorted(counts) == [0, 1, 2, 3, 4]
    assert all(300 < count < 500 for count in counts.values())


def test_only_lanes_of_the_lost_one_move() -> None:
    left = NAMES[:2] + NAMES[3:]
    for key in KEYS:
        before = [NAMES[index] for index in compute_ranking(key, NAMES)]
        after = [left[index] for index in compute_ranking(key, left)]
        assert after == [name for name in before if name != "v2"]


def test_the_order_of_names_does_not_matter() -> None:
    turned = NAMES[::-1]
    for key in KEYS[:100]:
        assert NAMES[compute_ranking(key, NAMES)[0]] == turned[compute_ranking(key, turned)[0]]


def test_every_gateway_finds_the_same() -> None:
    assert [compute_ranking(bytes((n,)) * 33, NAMES)[0] for n in range(8)] == [
        3,
        2,
        1,
        2,
        3,
        3,
        1,
        2,
    ]
