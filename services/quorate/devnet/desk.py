"""Signs and sends what a local network's own accounts do with stake.

The faucet pays, from a lane of its own, one transaction at a time; owners and operators sign beside
it and need no balance of their own.
"""

from collections.abc import Sequence
from typing import Final

from quorate.api.consensus.v1 import consensus_pb2 as pb
from quorate.core.errors import NotFound, Rejected
from quorate.core.staking.payloads import Ready, RegisterCandidate, Resign, RotateSeatKey
from quorate.core.transactions import Payload, Transfer, compute_transaction_id
from quorate.core.values import format_address, parse_address
from quorate.devnet.accounts import address_of, compute_stake, load_accounts
from quorate.devnet.layout import Layout, Node
from quorate.kit.convert import encode_body, encode_envelope
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.sending import send_and_wait
from quorate.sdk.transactions import Signed
from quorate.sdk.values import Outcome, Receipt

# Nobody who sends from the faucet by hand takes the last lane.
LANE: Final = 15
_VALIDITY_BLOCKS: Final = 1_000
_WEIGHT_MAX: Final = 20_000
_RECEIPT_S: Final = 30.0


class Desk:
    """The owner's and operator's hand in a local network."""

    def __init__(self, layout: Layout, client: Client) -> None:
        self._client, self._accounts = client, load_accounts(layout.directory)
        self._faucet = Key(self._accounts.faucet)

    async def register(self, node: Node, proof: pb.GetSeatProofResponse) -> Receipt:
        """Make a node's candidate, with stake out of the faucet; raises Rejected if it failed."""
        owner = Key(self._accounts.owner_seed(node.name))
        operator = Key(self._accounts.operator_seed(node.name))
        stake = compute_stake(node.name)
        payment = Transfer(self._faucet.address, owner.address, stake)
        registration = RegisterCandidate(
            owner.address, operator.address, proof.seat_key, proof.proof, node.name,
            description="", commission_bp=0, stake=stake,
        )  # fmt: skip
        return await self._send([payment, registration], [owner])

    async def bring_ready(self, word: pb.SignReadyResponse) -> Receipt:
        """Bring a node's word that it is ready; raises Rejected if it came too late."""
        ready = Ready(
            self._faucet.address, word.candidate, word.epoch, word.seat_key, word.signature
        )
        return await self._send([ready], [])

    async def resign(self, layout: Layout, candidate: str) -> Receipt:
        """Take a candidate out for good; raises Rejected."""
        address = parse_address(candidate)
        operator = self._find_operator(layout, address)
        return await self._send([Resign(operator.address, address)], [operator])

    async def rotate(self, layout: Layout, proof: pb.GetSeatProofResponse) -> Receipt:
        """Name the seat key that shall take its candidate's seat; raises Rejected."""
        operator = self._find_operator(layout, proof.candidate)
        rotation = RotateSeatKey(operator.address, proof.candidate, proof.seat_key, proof.proof)
        return await self._send([rotation], [operator])

    def _find_operator(self, layout: Layout, candidate: bytes) -> Key:
        """Return the operator of a candidate, which is named by its first node."""
        for name in (*[node.name for node in layout.nodes], *layout.retired):
            if address_of(self._accounts.owner_seed(name)) == candidate:
                return Key(self._accounts.operator_seed(name))
        text = format_address(candidate)
        raise NotFound(
            f"no key here operates candidate {text}: it is not of this network",
            reason="NO_OPERATOR_KEY",
            candidate=text,
        )

    async def _send(self, payloads: Sequence[Payload], more: Sequence[Key]) -> Receipt:
        """Send a transaction of the faucet that others sign too, and wait for its receipt.

        Raises Rejected with the receipt's reason when it failed.
        """
        status = await self._client.status()
        account = await self._client.account(self._faucet.address)
        sequence, until = account.lanes.get(LANE, 0), status.height + _VALIDITY_BLOCKS
        body = encode_body(
            self._faucet.address, LANE, sequence, payloads, valid_until_height=until,
            fee_limit=status.base_fee * _WEIGHT_MAX,
        )  # fmt: skip
        signatures = [key.sign(status.domain, body) for key in (self._faucet, *more)]
        id_, raw = compute_transaction_id(status.domain, body), encode_envelope(body, signatures)
        signed = Signed(id_, raw, self._faucet.address, LANE, sequence, until)
        receipt = await send_and_wait(self._client, signed, timeout_s=_RECEIPT_S)
        if receipt.outcome is not Outcome.SUCCEEDED:
            what = type(payloads[-1]).__name__
            raise Rejected(f"{what} failed: {receipt.reason}", reason=receipt.reason)
        return receipt
