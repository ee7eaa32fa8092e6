"""Faults of a peer add up, fade, and end in a ban that ends too."""

from quorate.core.gossip.scores import (
    BAN_MS,
    BAN_POINTS,
    FADE_POINTS_PER_S,
    FAULTS,
    PEERS_MAX,
    Scores,
    Sentence,
)

NODE = b"n" * 32


def test_small_faults_are_noted_then_disconnect_then_ban() -> None:
    scores = Scores()
    sentences = [scores.add_fault(NODE, "MALFORMED_CONSENSUS_MESSAGE", 0) for _ in range(5)]
    assert sentences == [
        Sentence.NOTED, Sentence.NOTED, Sentence.DISCONNECT, Sentence.DISCONNECT, Sentence.BAN,
    ]  # fmt: skip


def test_proof_of_a_fault_bans_at_once_and_the_ban_ends() -> None:
    scores = Scores()
    assert FAULTS["INVALID_BATCH"] >= BAN_POINTS
    assert scores.add_fault(NODE, "INVALID_BATCH", 1_000) is Sentence.BAN
    assert scores.find_ban_ms(NODE, 1_000) == BAN_MS
    assert scores.find_ban_ms(NODE, 1_000 + BAN_MS - 1) == 1
    assert scores.find_ban_ms(NODE, 1_000 + BAN_MS) == 0
    assert scores.add_fault(NODE, "UNSOLICITED_ANSWER", 1_000 + BAN_MS) is Sentence.NOTED


def test_points_fade() -> None:
    scores = Scores()
    scores.add_fault(NODE, "TOO_MANY_REQUESTS", 0)
    later_ms = 1_000 * FAULTS["TOO_MANY_REQUESTS"] // FADE_POINTS_PER_S
    for number in range(1, 20):
        fault = scores.add_fault(NODE, "TOO_MANY_REQUESTS", number * later_ms)
        assert fault is Sentence.NOTED


def test_a_fault_without_a_line_counts_and_tables_are_bounded() -> None:
    scores = Scores()
    assert scores.add_fault(NODE, "SOMETHING_ELSE", 0) is Sentence.NOTED
    assert scores.add_fault(NODE, "SOMETHING_ELSE", 0) is Sentence.DISCONNECT
    for number in range(PEERS_MAX + 1):
        scores.add_fault(number.to_bytes(32, "big"), "INVALID_BATCH", 0)
    assert scores.find_ban_ms(bytes(32), 0) == 0
    assert scores.find_ban_ms((1).to_bytes(32, "big"), 0) == BAN_MS
