"""What is read of tokens, locks and votes comes as plain values, nothing left out."""

from typing import Any

import pytest

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.sdk import Client, assets
from quorate.sdk.errors import NotFound

A, B, T = b"a" * 32, b"b" * 32, b"t" * 32


def test_a_token_has_all_fields() -> None:
    token = pb.Token(
        token=T, owner=A, symbol="GLD", name="Gold", decimals=2, cap=9, supply=8, freezable=True,
        is_frozen=True, is_final=False,
    )  # fmt: skip
    found = assets.to_token(pb.GetTokenResponse(token=token, height=7))
    assert found == assets.Token(T, A, "GLD", "Gold", 2, 9, 8, True, True, False, 7)


def test_a_lock_has_all_fields() -> None:
    lock = pb.Lock(lock=B, sender=A, to=B, amount=5, token=T, hash=B, from_height=3, until_height=9)
    found = assets.to_lock(pb.GetLockResponse(lock=lock, height=7))
    assert found == assets.Lock(B, A, B, 5, T, B, 3, 9, 7)


def test_proposals_have_all_fields() -> None:
    votes = [pb.ProposalVote(candidate=A, approve=True), pb.ProposalVote(candidate=B)]
    proposal = pb.Proposal(
        proposal=T, proposer=A, last_epoch=144, parameter="slash_bp", value=7, votes=votes,
        approving=1,
    )  # fmt: skip
    answer = pb.ListProposalsResponse(proposals=[proposal], epoch=2, quorum=3, seats=4, height=9)
    (found,) = assets.to_proposals(answer).proposals
    assert found == assets.Proposal(T, A, 144, "slash_bp", 7, "", 0, {A: True, B: False}, 1)
    assert assets.to_proposals(answer)[1:] == (2, 3, 4, 9)


def test_parameters_have_all_fields() -> None:
    parameter = pb.Parameter(
        name="slash_bp", value=1, genesis_value=2, is_changeable=True, next_value=3
    )
    answer = pb.GetParamsResponse(
        parameters=[parameter], epoch=5, height=6, version="v1", next_version="v2",
        next_version_height=9, known_versions=["v1"],
    )  # fmt: skip
    assert assets.to_params(answer) == assets.ChainParams(
        (assets.Parameter("slash_bp", 1, 2, True, 3),), 5, 6, "v1", "v2", 9, ("v1",)
    )


async def test_a_client_reads_them_through_a_gateway(build_network: Any) -> None:
    network = await build_network()
    async with Client(network.target) as client:
        assert (await client.token(T)).token == T
        balances, page = await client.token_balances(A, page_size=7, page_token="on")
        assert (balances, page) == ([assets.TokenBalance(A, 7, "", 0)], "on")
        assert (await client.lock(B)).lock == B
        assert (await client.proposals()).quorum == 3
        assert (await client.params()).version == "v1"
        with pytest.raises(NotFound) as caught:
            await client.token(bytes(32))
        assert caught.value.reason == "NO_TOKEN"
