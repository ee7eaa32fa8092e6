"""Signs and sends what a local network's own accounts do with stake.

The faucet pays, from a lane of its own, one transaction at a time; owners and operators sign beside
it and need no balance of their own. Each deed has an idempotency key: repeated, it has one effect.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from quorate.core.errors import NotFound, Rejected, Unavailable
from quorate.core.staking.payloads import Resign
from quorate.core.transactions import Payload
from quorate.core.values import format_address, parse_address
from quorate.devnet.accounts import address_of, compute_stake, load_accounts
from quorate.devnet.layout import Layout, Node
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.payloads import (
    SENDER,
    SeatProof,
    SeatReady,
    Terms,
    build_ready,
    build_register,
    build_rotate,
    build_transfers,
)
from quorate.sdk.sender import Lanes, Sender
from quorate.sdk.values import Outcome, Receipt

# Nobody who sends from the faucet by hand takes the last lane.
LANE: Final = 15
_RECEIPT_S: Final = 30.0


class Desk:
    """The owner's and operator's hand in a local network."""

    def __init__(self, layout: Layout, client: Client) -> None:
        self._client, self._accounts = client, load_accounts(layout.directory)
        self._faucet = Key(self._accounts.faucet)

    async def register(self, node: Node, proof: SeatProof) -> Receipt:
        """Make a node's candidate, with stake out of the faucet; raises Rejected if it failed."""
        owner = Key(self._accounts.owner_seed(node.name))
        operator = address_of(self._accounts.operator_seed(node.name))
        stake = compute_stake(node.name)
        payloads: list[Payload] = [
            *build_transfers([(owner.address, stake)]),
            build_register(proof, operator, Terms(node.name), stake, signer=owner.address),
        ]
        return await self._send(payloads, [owner], b"register" + proof.seat_key)

    async def bring_ready(self, word: SeatReady) -> Receipt:
        """Bring a node's word that it is ready; raises Rejected if it came too late."""
        name = b"ready" + word.epoch.to_bytes(8, "big") + word.seat_key
        return await self._send([build_ready(word, signer=SENDER)], [], name)

    async def resign(self, layout: Layout, candidate: str) -> Receipt:
        """Take a candidate out for good; raises Rejected."""
        address = parse_address(candidate)
        operator = self._find_operator(layout, address)
        resignation = Resign(operator.address, address)
        return await self._send([resignation], [operator], b"resign" + address)

    async def rotate(self, layout: Layout, proof: SeatProof) -> Receipt:
        """Name the seat key that shall take its candidate's seat; raises Rejected."""
        operator = self._find_operator(layout, proof.candidate)
        rotation = build_rotate(proof, signer=operator.address)
        return await self._send([rotation], [operator], b"rotate" + proof.seat_key)

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

    async def _send(
        self, payloads: Sequence[Payload], cosigners: Sequence[Key], idempotency_key: bytes
    ) -> Receipt:
        """Send a transaction of the faucet that others sign too, and wait for its receipt.

        Raises Rejected with the receipt's reason when it failed, Unavailable without one in time.
        """
        what, lanes = type(payloads[-1]).__name__, Lanes([LANE])
        try:
            async with (
                asyncio.timeout(_RECEIPT_S),
                Sender(self._client, self._faucet, lanes=lanes) as sender,
            ):
                receipt = await sender.send(
                    payloads, cosigners=cosigners, idempotency_key=idempotency_key
                )
        except TimeoutError as error:
            raise Unavailable(f"{what} has no receipt yet", reason="NO_RECEIPT") from error
        if receipt.outcome is not Outcome.SUCCEEDED:
            raise Rejected(f"{what} failed: {receipt.reason}", reason=receipt.reason)
        return receipt
