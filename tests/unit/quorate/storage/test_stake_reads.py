"""Reads of stake against a real storage node: one height each, pages, typed errors."""

from quorate.api.ledger.v1 import ledger_pb2 as pb


async def test_x(node, forge):
    await node.commit(forge.extend(3))
    print(await node.ledger.GetEconomy(pb.GetEconomyRequest()))
    print(await node.ledger.ListSeats(pb.ListSeatsRequest()))
    a = await node.ledger.ListCandidates(pb.ListCandidatesRequest())
    print(a)
    o = a.candidates[0].owner
    print(await node.ledger.ListDelegations(pb.ListDelegationsRequest(delegator=o)))
    print(await node.ledger.GetCandidate(pb.GetCandidateRequest(candidate=o)))
