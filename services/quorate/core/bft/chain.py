"""The final head, the unfinalized blocks above it, and what was executed so far."""

from collections import deque
from collections.abc import Iterable

from quorate.core.bft.finality import Finality
from quorate.core.blocks import Block, Executed
from quorate.core.results import Judgement, Result, judge_claim

# Blocks above the head that may be kept at a time; honest views add one each.
BLOCKS_MAX = 4_096


class Chain:
    """The chain as one engine sees it."""

    def __init__(self, head: Block, finality: Finality | None, window: int) -> None:
        self.head = head
        self.finality = finality
        self.blocks: dict[bytes, Block] = {}
        self.results: dict[int, Result] = {}
        self.executed_height = 0
        self.loaded_height = 0
        self._window = window
        self._recent: dict[bytes, int] = {}
        self._recent_order: deque[tuple[int, bytes]] = deque()
        self._claims: list[tuple[Executed, Executed]] = []
        self._diverged = False
        self._claims_changed = True

    def find(self, digest: bytes) -> Block | None:
        """Return the head or an unfinalized block."""
        return self.head if digest == self.head.digest else self.blocks.get(digest)

    def add(self, block: Block) -> None:
        """Keep an unfinalized block."""
        if len(self.blocks) < BLOCKS_MAX and block.header.view > self.head.header.view:
            self.blocks[block.digest] = block

    def find_branch(self, digest: bytes) -> list[Block] | None:
        """Return the blocks above the head up to `digest`, oldest first; None when one lacks."""
        branch: list[Block] = []
        while digest != self.head.digest:
            block = self.blocks.get(digest)
            if block is None:
                return None
            branch.append(block)
            digest = block.header.parent
        branch.reverse()
        return branch

    def find_gap(self, digest: bytes, view: int) -> int | None:
        """Return the view of the first block that lacks on the way from `digest` to the head.

        `view` is that of `digest` itself; None when nothing lacks.
        """
        while digest != self.head.digest:
            block = self.blocks.get(digest)
            if block is None:
                return view
            digest, view = block.header.parent, block.header.parent_view
        return None

    def collect_names(self, branch: list[Block]) -> set[bytes]:
        """Return the batches that a branch names."""
        return {name for block in branch for name in block.batches}

    def is_recent(self, name: bytes) -> bool:
        """Tell whether a final block of the validity window names this batch."""
        return name in self._recent

    def add_recent(self, entries: Iterable[tuple[int, bytes]]) -> None:
        """Note (height, name) of final blocks, oldest first."""
        for height, name in entries:
            self._recent[name] = height
            self._recent_order.append((height, name))
            self.loaded_height = max(self.loaded_height, height)

    def advance(self, blocks: list[Block], finality: Finality) -> None:
        """Make blocks final; they connect to the head."""
        self.add_recent((b.header.height, name) for b in blocks for name in b.batches)
        self.jump(blocks[-1], finality)

    def follow(self, head: Block, finality: Finality) -> "Chain":
        """Return the chain for the epoch after this one, whose last block is `head`."""
        chain = Chain(head, finality, self._window)
        chain.results, chain.executed_height = self.results, self.executed_height
        chain.loaded_height, chain._claims = self.loaded_height, self._claims
        chain._recent, chain._recent_order = self._recent, self._recent_order
        chain._diverged = self._diverged
        return chain

    def jump(self, head: Block, finality: Finality) -> None:
        """Move the head and drop what lies at or below its view."""
        self.head, self.finality = head, finality
        self._claims_changed = True
        view, height = head.header.view, head.header.height
        self.blocks = {d: b for d, b in self.blocks.items() if b.header.view > view}
        while self._recent_order and self._recent_order[0][0] < height - self._window:
            old, name = self._recent_order.popleft()
            if self._recent.get(name) == old:
                del self._recent[name]
        self._drop_results()

    def add_results(self, results: Iterable[Result]) -> None:
        """Note what executing final blocks gave."""
        self._claims_changed = True
        for result in results:
            self.results[result.height] = result
            self.executed_height = max(self.executed_height, result.height)

    def watch_claim(self, block: Block) -> None:
        """Compare a notarized block's claim with own results, now or once they are there."""
        parent = self.find(block.header.parent)
        if parent is not None:
            self._claims.append((parent.header.executed, block.header.executed))
            self._claims_changed = True

    def is_diverged(self) -> bool:
        """Tell whether a certified claim proves the own state wrong (docs/protocol.md#X4)."""
        if self._claims_changed and not self._diverged:
            self._claims_changed = False
            self._diverged = self._is_head_denied() or self._is_claim_denied()
        return self._diverged

    def _is_head_denied(self) -> bool:
        # Covers what was not watched: blocks that storage fetched, or from before a restart.
        claim = self.head.header.executed
        own = self.results.get(claim.height)
        return claim.height > 0 and own is not None and own.write_digest != claim.write_digest

    def _is_claim_denied(self) -> bool:
        waiting, denied = [], False
        for parent, claim in self._claims:
            match judge_claim(parent, claim, self.executed_height, self.results):
                case Judgement.INVALID:
                    denied = True
                case Judgement.UNDECIDED:
                    waiting.append((parent, claim))
        self._claims = waiting
        return denied

    def _drop_results(self) -> None:
        floor = min(
            [self.executed_height, self.head.header.executed.height]
            + [parent.height for parent, _ in self._claims]
        )
        for height in [each for each in self.results if each < floor]:
            del self.results[height]
