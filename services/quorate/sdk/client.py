"""The client: everything a gateway offers, typed and asynchronous.

    async with Client("127.0.0.1:7600") as client:
        sender = Sender(client, key)
        receipt = await sender.transfer([(address, 5)])

Every call raises a QuorateError: InvalidTransaction or Rejected (the reason says why), NotFound,
Overloaded (try again after retry_after_ms), Unavailable.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, Self

import grpc
from grpc import aio

from quorate.api.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from quorate.api.network.v1 import network_pb2, network_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2, transaction_pb2_grpc
from quorate.core.errors import NotFound, Overloaded, Unavailable
from quorate.kit import faults, rpc
from quorate.sdk import assets, fees, stake_values, values
from quorate.sdk.answers import answer as _answer
from quorate.sdk.contract_reads import ContractReads
from quorate.sdk.submitting import Submitter
from quorate.sdk.watching import BACKOFF_S, BACKOFF_S_MAX, Cursor, Watch, build_request

CHUNK: Final = 50


class Client:
    """A connection to one gateway; `tls` is a PEM root certificate, or b"" for the system's."""

    def __init__(self, target: str, tls: bytes | None = None) -> None:
        credentials = None
        if tls is not None:
            credentials = grpc.ssl_channel_credentials(tls or None)
        self._channel = rpc.open_channel(target, credentials)
        self._network = network_pb2_grpc.NetworkServiceStub(self._channel)
        self._ledger = ledger_pb2_grpc.LedgerServiceStub(self._channel)
        self._transactions = transaction_pb2_grpc.TransactionServiceStub(self._channel)
        self._trials = transaction_pb2_grpc.SimulationServiceStub(self._channel)
        self.contracts = ContractReads(self._channel)

    async def __aenter__(self) -> Self:
        """Return itself; the connection is made by the first call."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    # Reading

    async def status(self) -> values.Status:
        """Return the chain's name, domain, height, fees."""
        call = self._network.Status(network_pb2.StatusRequest(), timeout=rpc.DEADLINE_S)
        return values.to_status(await _answer(call))

    async def validators(self) -> list[values.Validator]:
        """Return the seats and observers as the gateway sees them."""
        request = network_pb2.ListValidatorsRequest()
        answer = await _answer(self._network.ListValidators(request, timeout=rpc.DEADLINE_S))
        return [values.to_validator(validator) for validator in answer.validators]

    async def account(self, address: bytes) -> values.Account:
        """Return an account at the latest executed height; an unused one reads as empty."""
        request = ledger_pb2.GetAccountRequest(address=address)
        call = self._ledger.GetAccount(request, timeout=rpc.DEADLINE_S)
        return values.to_account(await _answer(call))

    async def block(
        self, height: int | None = None, *, digest: bytes = b"", full: bool = False
    ) -> values.Block:
        """Return a block by height or digest, or the latest one; raises NotFound."""
        request = ledger_pb2.GetBlockRequest(full=full)
        if digest:
            request.digest = digest
        elif height is not None:
            request.height = height
        answer = await _answer(self._ledger.GetBlock(request, timeout=rpc.DEADLINE_S))
        return values.to_block(answer.block)

    async def blocks(
        self, page_size: int = 100, page_token: str = ""
    ) -> tuple[list[values.Block], str]:
        """Return a page of blocks, newest first, and the token of the next page ("": no more)."""
        request = ledger_pb2.ListBlocksRequest(page_size=page_size, page_token=page_token)
        answer = await _answer(self._ledger.ListBlocks(request, timeout=rpc.DEADLINE_S))
        return [values.to_block(block) for block in answer.blocks], answer.next_page_token

    async def watch_blocks(self, from_height: int = 0) -> AsyncIterator[values.Block]:
        """Yield blocks from a height on (0: from the next one), also across reconnections."""
        wait_s = BACKOFF_S
        while True:
            request = ledger_pb2.WatchBlocksRequest(from_height=from_height)
            try:
                async for response in self._ledger.WatchBlocks(request):
                    from_height, wait_s = response.block.height + 1, BACKOFF_S
                    yield values.to_block(response.block)
            except aio.AioRpcError as error:
                lost = faults.from_rpc_error(error)
                if not isinstance(lost, Overloaded | Unavailable):
                    raise lost from error
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, BACKOFF_S_MAX)

    async def seats(self, epoch: int | None = None) -> values.SeatSet:
        """Return the set of an epoch, by default of the running one; raises NotFound."""
        request = ledger_pb2.ListSeatsRequest(epoch=epoch)
        answer = await _answer(self._ledger.ListSeats(request, timeout=rpc.DEADLINE_S))
        return values.to_seat_set(answer)

    async def candidate(self, owner: bytes) -> stake_values.Candidate:
        """Return the candidate that an address owns; raises NotFound (NO_CANDIDATE)."""
        request = ledger_pb2.GetCandidateRequest(candidate=owner)
        answer = await _answer(self._ledger.GetCandidate(request, timeout=rpc.DEADLINE_S))
        return stake_values.to_candidate(answer.candidate)

    async def candidates(
        self, page_size: int = 100, page_token: str = ""
    ) -> stake_values.Candidates:
        """Return a page of candidates that have not gone, the most stake first."""
        request = ledger_pb2.ListCandidatesRequest(page_size=page_size, page_token=page_token)
        answer = await _answer(self._ledger.ListCandidates(request, timeout=rpc.DEADLINE_S))
        return stake_values.to_candidates(answer)

    async def delegations(
        self, delegator: bytes, page_size: int = 50, page_token: str = ""
    ) -> stake_values.Delegations:
        """Return a page of what an account has delegated, earned and takes back."""
        request = ledger_pb2.ListDelegationsRequest(
            delegator=delegator, page_size=page_size, page_token=page_token
        )
        answer = await _answer(self._ledger.ListDelegations(request, timeout=rpc.DEADLINE_S))
        return stake_values.to_delegations(answer)

    async def economy(self) -> stake_values.Economy:
        """Return supply, the running epoch, and how spread the seats are."""
        request = ledger_pb2.GetEconomyRequest()
        return stake_values.to_economy(
            await _answer(self._ledger.GetEconomy(request, timeout=rpc.DEADLINE_S))
        )

    async def receipt(self, id_: bytes) -> values.Receipt:
        """Return the receipt of an executed transaction; raises NotFound."""
        request = ledger_pb2.GetReceiptRequest(id=id_)
        answer = await _answer(self._ledger.GetReceipt(request, timeout=rpc.DEADLINE_S))
        return values.to_receipt(answer.receipt)

    async def finality_receipt(self, id_: bytes, from_epoch: int | None = None) -> bytes:
        """Return the encoded finality receipt; raises NotFound, NotYet (see sdk/receipts.py)."""
        request = ledger_pb2.GetFinalityReceiptRequest(id=id_, from_epoch=from_epoch)
        call = self._ledger.GetFinalityReceipt(request, timeout=rpc.DEADLINE_S)
        return (await _answer(call)).finality_receipt

    async def find_receipt(self, id_: bytes) -> tuple[values.Receipt | None, int]:
        """Return a receipt, or None, and up to which height whoever says so has executed.

        Validators are at different heights: that one has no receipt decides nothing above its own.
        """
        request = ledger_pb2.GetReceiptRequest(id=id_)
        try:
            answer = await _answer(self._ledger.GetReceipt(request, timeout=rpc.DEADLINE_S))
        except NotFound as error:
            return None, int(error.fields().get("height", 0))
        return values.to_receipt(answer.receipt), answer.height

    async def token(self, token: bytes) -> assets.Token:
        """Return a token by its id; raises NotFound."""
        request = ledger_pb2.GetTokenRequest(token=token)
        return assets.to_token(
            await _answer(self._ledger.GetToken(request, timeout=rpc.DEADLINE_S))
        )

    async def token_balances(
        self, holder: bytes, page_size: int = 100, page_token: str = ""
    ) -> tuple[list[assets.TokenBalance], str]:
        """Return a page of what an account holds of tokens, and the token of the next page."""
        request = ledger_pb2.ListTokenBalancesRequest(
            holder=holder, page_size=page_size, page_token=page_token
        )
        call = self._ledger.ListTokenBalances(request, timeout=rpc.DEADLINE_S)
        answer = await _answer(call)
        return [assets.to_balance(each) for each in answer.balances], answer.next_page_token

    async def lock(self, lock: bytes) -> assets.Lock:
        """Return a lock that is neither claimed nor taken back; raises NotFound."""
        request = ledger_pb2.GetLockRequest(lock=lock)
        return assets.to_lock(await _answer(self._ledger.GetLock(request, timeout=rpc.DEADLINE_S)))

    async def proposals(self) -> assets.Proposals:
        """Return the proposals that take votes."""
        call = self._ledger.ListProposals(ledger_pb2.ListProposalsRequest(), timeout=rpc.DEADLINE_S)
        return assets.to_proposals(await _answer(call))

    async def params(self) -> assets.ChainParams:
        """Return the chain's parameters and version of the rules in force."""
        call = self._ledger.GetParams(ledger_pb2.GetParamsRequest(), timeout=rpc.DEADLINE_S)
        return assets.to_params(await _answer(call))

    async def stage(self, id_: bytes) -> values.Stage:
        """Return how far a transaction got, as far as the gateway knows."""
        request = transaction_pb2.GetRequest(id=id_)
        answer = await _answer(self._transactions.Get(request, timeout=rpc.DEADLINE_S))
        return values.Stage(answer.stage)

    # Fees and obstacles

    async def estimate_fee(self, weight: int, within_blocks: int = 0) -> fees.FeeEstimate:
        """Return what a transaction of this weight has to pay, and why; 0 blocks: soon."""
        request = transaction_pb2.EstimateFeeRequest(weight=weight, within_blocks=within_blocks)
        call = self._transactions.EstimateFee(request, timeout=rpc.DEADLINE_S)
        return fees.to_estimate(await _answer(call))

    async def simulate(self, raw: bytes) -> fees.Simulation:
        """Return what the next block would do with a transaction, which may lack signatures."""
        request = transaction_pb2.SimulateRequest(transaction=raw)
        return fees.to_simulation(
            await _answer(self._trials.Simulate(request, timeout=rpc.DEADLINE_S))
        )

    async def explain(self, id_: bytes) -> fees.Explanation:
        """Return where a transaction stands, what blocks it, and what would unblock it."""
        request = transaction_pb2.ExplainRequest(id=id_)
        return fees.to_explanation(
            await _answer(self._transactions.Explain(request, timeout=rpc.DEADLINE_S))
        )

    # Sending

    async def submit(self, raw: bytes) -> bytes:
        """Send one transaction; returns its id when a validator has accepted it."""
        request = transaction_pb2.SubmitRequest(transaction=raw)
        call = self._transactions.Submit(request, timeout=rpc.DEADLINE_S)
        return (await _answer(call)).id

    async def submit_many(
        self, raws: Sequence[bytes], *, chunk: int = CHUNK
    ) -> list[values.Rejection | None]:
        """Send many transactions in chunks, in order; returns None or why it was refused, each.

        What was refused for lack of room is sent again until there is room.
        """
        return await Submitter(self._transactions, chunk).submit(raws)

    # Following

    def watch(
        self,
        ids: Sequence[bytes] = (),
        senders: Sequence[bytes] = (),
        *,
        cursor: Cursor | None = None,
        executed_only: bool = False,
    ) -> Watch:
        """Return a watch of ids and senders, to be used with `async with` and `async for`."""
        request = build_request(ids, senders, cursor, executed_only=executed_only)
        return Watch(self._transactions, request)
