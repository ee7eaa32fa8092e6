"""More than f seats are gone for good: the chain goes on as a fork, apart from its other side."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from quorate.core.errors import InvalidReceipt, NotFound, QuorateError
from quorate.core.params import Params
from quorate.core.proofs_verify import Trust, verify
from quorate.core.transactions import Transfer
from quorate.devnet import checks
from quorate.devnet.accounts import UNIT, DevAccounts, load_accounts
from quorate.devnet.layout import Spec
from quorate.devnet.network import Network
from quorate.devnet.readiness import wait_ready
from quorate.lang.build import build
from quorate.sdk.client import Client
from quorate.sdk.contracts import Contract, deploy
from quorate.sdk.keys import Key
from quorate.sdk.payloads import SENDER
from quorate.sdk.sender import Lanes, Sender
from quorate.sdk.sending import send_and_wait
from quorate.sdk.transactions import Options, Signed, sign_payloads
from quorate.sdk.values import Account, Outcome, Receipt, Status
from tests.devnet.conftest import StartNetwork
from tests.devnet.forking import Fork, load_genesis
from tests.devnet.traffic import PATIENCE_S

pytestmark = pytest.mark.devnet

TOKEN = Path(__file__).resolve().parents[2] / "examples" / "contracts" / "token.py"
STAKE = 50
# Short, so that both sides go over several epochs.
PARAMS = Params(epoch_blocks=20, heartbeat_ms=1_000)


class Side:
    """One side of a fork: signs and sends transfers of the demo account."""

    def __init__(self, network: Network) -> None:
        self.network = network
        accounts: DevAccounts = load_accounts(network.layout.directory)
        self.key, self.client = Key(accounts.demo), Client(network.layout.endpoint)

    async def sign(self, to: bytes, amount: int, lane: int = 0, name: str = "") -> Signed:
        status, account = await self.client.status(), await self.account()
        return self.sign_for(status, (lane, account.lanes.get(lane, 0)), (to, amount), name)

    def sign_for(
        self, status: Status, place: tuple[int, int], transfer: tuple[bytes, int], name: str = ""
    ) -> Signed:
        lane, sequence = place
        options = Options(
            sequence=sequence, valid_until_height=status.height + 5_000, fee_limit=UNIT, lane=lane,
            idempotency_key=name.encode(),
        )  # fmt: skip
        payload = Transfer(SENDER, *transfer)
        return sign_payloads(status.domain, [self.key], [payload], options)

    async def pay(self, to: bytes, amount: int, lane: int = 0, name: str = "") -> Receipt:
        signed = await self.sign(to, amount, lane, name)
        return await send_and_wait(self.client, signed, timeout_s=PATIENCE_S)

    async def deploy(self) -> bytes:
        """Deploy the example token, with 1,000 for demo; return its address."""
        built = build(TOKEN.read_text(), str(TOKEN))
        async with Sender(self.client, self.key, lanes=Lanes([7])) as sender:
            return (await deploy(self.client, sender, built, "Gold", "AU", 2, 1_000)).address

    async def give(self, token: bytes, to: bytes, amount: int) -> None:
        """Call the token's transfer."""
        async with Sender(self.client, self.key, lanes=Lanes([7])) as sender:
            await (await Contract.at(self.client, token, sender)).transfer(to, amount)

    async def holding(self, token: bytes, holder: bytes) -> int:
        """Return what somebody has of the token."""
        held: int = await (await Contract.at(self.client, token)).read("balances", holder)
        return held

    async def account(self) -> Account:
        return await self.client.account(self.key.address)

    async def balance(self, address: bytes) -> int:
        return (await self.client.account(address)).balance


@pytest.fixture
async def old(start_network: StartNetwork) -> Network:
    return await start_network(Spec(params=PARAMS))


@dataclass(frozen=True)
class Kept:
    """What was at the cut: its height, demo's account; whom it paid before and after, and how.

    The one paid before has 3 of a token made by a contract, the one paid after has 5.
    """

    token: bytes
    height: int
    account: Account
    before: bytes
    after: bytes
    receipt: Receipt


@pytest.fixture
async def kept(old: Network) -> Kept:
    """Demo paid 10 times, then twice more; nothing runs any more."""
    before, after = Key.generate().address, Key.generate().address
    side = Side(old)
    async with side.client:
        token = await side.deploy()
        await side.give(token, before, 3)
        for count in range(10):
            receipt = await side.pay(before, UNIT, lane=count % 2, name=f"kept-{count}")
            assert receipt.outcome is Outcome.SUCCEEDED
        height = max(await asyncio.gather(*map(checks.read_height, old.layout.nodes)))
        account = await side.account()
        await side.give(token, after, 5)
        last = await side.pay(after, UNIT, name="lost")
        await side.pay(before, UNIT, name="lost-too")
        assert last.height > height
    old.down()
    return Kept(token, height, account, before, after, last)


async def test_a_chain_goes_on_with_other_seats_from_where_it_was_cut(
    old: Network, kept: Kept, tmp_path: Path
) -> None:
    forked = Fork(old, tmp_path)
    accounts = load_accounts(forked.layout.directory)
    owners = [Key(accounts.load_seed(index)).address for index in range(2)]
    parts = await forked.write_parts(owners, STAKE)
    homes = [old.layout.home(node) for node in old.layout.nodes]
    made = await forked.cut(kept.height, parts, homes[2], forked.out)
    again = await forked.cut(kept.height, parts[::-1], homes[3], forked.out.with_name("again"))
    assert made["hash"] == again["hash"]
    network = await forked.adopt()
    try:
        network.up()
        old.up()
        await asyncio.gather(wait_ready(network, PATIENCE_S), wait_ready(old, PATIENCE_S))
        await _prove_sides(Side(old), Side(network), kept)
    finally:
        network.down()


async def _prove_sides(old: Side, new: Side, kept: Kept) -> None:
    async with old.client, new.client:
        await _prove_state(new, kept)
        await _prove_names(new, kept)
        await _prove_apart(old, new)
        await _prove_finality(old, new, kept)
        await _prove_life(new, kept)


async def _prove_state(new: Side, kept: Kept) -> None:
    """What the chain was at the cut is there; what came after is not."""
    account = await new.account()
    assert account.balance == kept.account.balance
    assert account.lanes == kept.account.lanes
    assert await new.balance(kept.before) == 10 * UNIT
    assert await new.balance(kept.after) == 0
    assert await new.holding(kept.token, kept.before) == 3
    assert await new.holding(kept.token, kept.after) == 0
    await new.give(kept.token, kept.before, 4)
    assert await new.holding(kept.token, kept.before) == 7
    with pytest.raises(NotFound):
        await new.client.receipt(kept.receipt.id)
    with pytest.raises(NotFound):
        await new.client.block(height=kept.height - 1)
    genesis = load_genesis(new.network.layout)
    assert (genesis.fork_epoch, genesis.height) == (1, kept.height)


async def _prove_names(new: Side, kept: Kept) -> None:
    """Idempotency keys bound up to the cut stay bound; those bound after it are free."""
    again = await new.pay(kept.before, UNIT, name="kept-3")
    assert (again.outcome, again.reason) == (Outcome.FAILED, "DUPLICATE")
    lost = await new.pay(kept.after, UNIT, name="lost")
    assert lost.outcome is Outcome.SUCCEEDED
    assert lost.id != kept.receipt.id
    assert await new.balance(kept.after) == UNIT


async def _prove_apart(old: Side, new: Side) -> None:
    """A transaction that would be next on both sides is refused by the other one."""
    for own, other in ((old, new), (new, old)):
        statuses = [await side.client.status() for side in (own, other)]
        theirs = await other.account()
        place = 7, theirs.lanes.get(7, 0)
        target = Key.generate().address
        signed = own.sign_for(statuses[0], place, (target, UNIT))
        with pytest.raises(QuorateError) as caught:
            await other.client.submit(signed.raw)
        assert caught.value.reason == "BAD_SIGNATURE"
        # The same place, signed for the other side, is still free there.
        fitting = other.sign_for(statuses[1], place, (target, 2 * UNIT))
        receipt = await send_and_wait(other.client, fitting, timeout_s=PATIENCE_S)
        assert receipt.outcome is Outcome.SUCCEEDED
        assert fitting.id != signed.id
        assert await other.balance(target) == 2 * UNIT
        with pytest.raises(NotFound):
            await other.client.receipt(signed.id)


async def _prove_finality(old: Side, new: Side, kept: Kept) -> None:
    """A finality receipt of the fork proves from its own genesis only."""
    paid = await new.pay(kept.before, UNIT)
    proof = b""
    while not proof:
        try:
            proof = await new.client.finality_receipt(paid.id)
        except NotFound as error:
            if error.reason != "NOT_CLAIMED_YET":
                raise
            await new.pay(kept.before, UNIT)
    own, other = (load_genesis(side.network.layout).hash for side in (new, old))
    assert verify(proof, Trust(own)).receipt.id == paid.id
    with pytest.raises(InvalidReceipt) as caught:
        verify(proof, Trust(other))
    assert caught.value.reason == "WRONG_GENESIS"


async def _prove_life(new: Side, kept: Kept) -> None:
    """It makes blocks over epochs, all agree, and a node that lost its data catches up."""
    network = new.network
    first = (await new.client.status()).epoch
    while (await new.client.status()).epoch < first + 2:
        await new.pay(kept.after, UNIT)
    node = network.layout.nodes[3]
    network.stop(node.name)
    network.wipe_node(node.name)
    network.start(node.name)
    await wait_ready(network, PATIENCE_S)
    height = await checks.read_height(network.layout.nodes[0])
    digests = await checks.compare_digests(network.layout.nodes, height, PATIENCE_S)
    assert len(set(digests.values())) == 1
