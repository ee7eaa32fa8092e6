"""Asks peers for batches and blocks: who was named first, then anyone; one at a time, bounded.

It also fetches by itself what peers report held and what does not come: that heals dropped frames
and reconnections.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.core.batches import HEADER_BYTES, compute_batch_name
from quorate.core.errors import Overloaded
from quorate.gossip.dissemination import Dissemination
from quorate.gossip.peers import Peer, PeerTable
from quorate.gossip.receiver import Receiver

BATCHES_S: Final = 1.0
BLOCKS_S: Final = 5.0
NAMES_MAX: Final = 256
ANSWER_BYTES_MAX: Final = 2 * 1024 * 1024
FETCHES_MAX: Final = 16
LATE_MAX: Final = 1_024
PEERS_ASKED_MAX: Final = 5
# What is reported held and has not come by itself after this time is asked for.
WANTED_S: Final = 0.5
WANTED_MAX: Final = 4_096
TRIES_MAX: Final = 4
SHUN_S: Final = 30.0


class _Asked(NamedTuple):
    node_id: bytes
    done: "asyncio.Future[pb.Answer]"


class Fetcher:
    """Requests that wait for answers."""

    def __init__(self, table: PeerTable, receiver: Receiver, spread: Dissemination) -> None:
        self._table, self._receiver, self._spread = table, receiver, spread
        self._numbers = 0
        self._asked: dict[int, _Asked] = {}
        self._late: dict[int, None] = {}
        self._fetches = 0
        # When each wanted batch is due, and how often it was asked for.
        self._wanted: dict[bytes, tuple[float, int]] = {}
        self._shunned: dict[bytes, float] = {}
        self._turn = 0

    def has_asked(self, node_id: bytes) -> bool:
        """Tell whether an answer of this peer is awaited: it may be large then."""
        return any(asked.node_id == node_id for asked in self._asked.values())

    def shun(self, node_id: bytes) -> None:
        """Ask this peer for no blocks for a while: what it gave was wrong."""
        self._shunned[node_id] = asyncio.get_running_loop().time() + SHUN_S
        peer = self._table.peers.get(node_id)
        if peer is not None:
            self._table.doubt(peer)

    def want(self, names: Iterable[bytes]) -> None:
        """Fetch these by and by unless they come by themselves."""
        due_s = asyncio.get_running_loop().time() + WANTED_S
        for name in names:
            if len(self._wanted) < WANTED_MAX:
                self._wanted.setdefault(name, (due_s, 0))

    async def run(self) -> None:
        """Fetch what is wanted until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(WANTED_S / 2)
            due = [name for name, (at_s, _) in self._wanted.items() if at_s <= loop.time()]
            tries = {name: self._wanted.pop(name)[1] for name in due}
            due = [name for name in due if self._is_missing(name)]
            for start in range(0, len(due), NAMES_MAX):
                if self._fetches < FETCHES_MAX:
                    await self.fetch_batches(due[start : start + NAMES_MAX], requested=False)
            for name in due:
                if tries[name] + 1 < TRIES_MAX and self._is_missing(name):
                    self._wanted.setdefault(name, (loop.time() + WANTED_S, tries[name] + 1))

    async def fetch_batches(
        self,
        names: Sequence[bytes],
        seat_keys: Sequence[bytes] = (),
        *,
        certified: bool = False,
        requested: bool = True,
    ) -> list[bytes]:
        """Return the names that no asked peer had; all others are durable here now.

        Raises Overloaded when too many fetches run.
        """
        missing = {name: None for name in names if name not in self._spread.held}
        async with self._room():
            for peer in self._rank(seat_keys):
                if not missing:
                    break
                answer = await self._ask(
                    peer,
                    pb.Request(
                        batches=b"".join(list(missing)[:NAMES_MAX]),
                        size_bytes_max=ANSWER_BYTES_MAX,
                    ),
                    BATCHES_S,
                )
                for encoded in answer.batches if answer is not None else ():
                    name = compute_batch_name(encoded[:HEADER_BYTES])
                    if name not in missing:
                        self._table.add_fault(peer.node_id, "BAD_ANSWER")
                        break
                    if await self._receiver.take_in(
                        peer.node_id, encoded, requested=requested, certified=certified
                    ):
                        del missing[name]
                for found in [each for each in missing if each in self._spread.held]:
                    del missing[found]
        return list(missing)

    async def fetch_blocks(
        self, from_height: int, size_bytes_max: int
    ) -> tuple[bytes, pb.Answer] | None:
        """Return a run of final blocks and who gave it; None when no peer has any.

        Raises Overloaded when too many fetches run.
        """
        request = pb.Request(
            blocks_from=from_height, size_bytes_max=min(size_bytes_max, ANSWER_BYTES_MAX)
        )
        async with self._room():
            for peer in self._list_ahead(from_height):
                answer = await self._ask(peer, request, BLOCKS_S)
                if answer is not None and answer.blocks:
                    self._table.believe(peer)
                    return peer.node_id, answer
                # A height is only a word: who gives nothing of it must not be the goal of all.
                self._table.doubt(peer)
        return None

    def handle_answer(self, peer: Peer, answer: pb.Answer) -> None:
        """Hand an answer to who asked; one that nobody asked for is a fault."""
        asked = self._asked.get(answer.number)
        if asked is not None and asked.node_id == peer.node_id:
            if not asked.done.done():
                asked.done.set_result(answer)
        elif answer.number in self._late:
            del self._late[answer.number]
        else:
            self._table.add_fault(peer.node_id, "UNSOLICITED_ANSWER")

    async def _ask(self, peer: Peer, request: pb.Request, timeout_s: float) -> pb.Answer | None:
        self._numbers += 1
        number = self._numbers
        request.number = number
        done: asyncio.Future[pb.Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = _Asked(peer.node_id, done)
        peer.outbox.put_note(pb.Frame(requests=[request]).SerializeToString())
        peer.wake.set()
        try:
            async with asyncio.timeout(timeout_s):
                return await done
        except TimeoutError:
            return None
        finally:
            del self._asked[number]
            if not done.done() or done.cancelled():
                # Nobody waits any more, but the answer may still come, and is no fault then.
                self._late[number] = None
                if len(self._late) > LATE_MAX:
                    del self._late[next(iter(self._late))]

    def _rank(self, seat_keys: Sequence[bytes]) -> list[Peer]:
        """Return peers to ask: those of the named seat keys first, then others in turn."""
        named = [peer for key in seat_keys if (peer := self._table.find_seat(key)) is not None]
        others = [peer for peer in self._table.list_up() if peer not in named]
        self._turn += 1
        turn = self._turn % len(others) if others else 0
        return (named + others[turn:] + others[:turn])[:PEERS_ASKED_MAX]

    def _list_ahead(self, height: int) -> list[Peer]:
        now_s = asyncio.get_running_loop().time()
        ahead = [
            peer
            for peer in self._table.list_up()
            if peer.height >= height and self._shunned.get(peer.node_id, 0.0) <= now_s
        ]
        self._turn += 1
        turn = self._turn % len(ahead) if ahead else 0
        ahead = ahead[turn:] + ahead[:turn]
        return sorted(ahead, key=self._table.is_doubted)[:PEERS_ASKED_MAX]

    def _is_missing(self, name: bytes) -> bool:
        held = self._spread.held
        return (
            name not in held and name not in self._receiver.working and not held.is_finished(name)
        )

    def _room(self) -> "_Room":
        if self._fetches >= FETCHES_MAX:
            raise Overloaded("the list of fetches")
        return _Room(self)

    def _count(self, change: int) -> None:
        self._fetches += change


class _Room:
    def __init__(self, owner: Fetcher) -> None:
        self._owner = owner

    async def __aenter__(self) -> None:
        self._owner._count(1)

    async def __aexit__(self, *error: object) -> None:
        self._owner._count(-1)
