"""Whether a proposal may be notarized: three-valued, without side effects (docs/protocol.md#R4)."""

from dataclasses import dataclass

from quorate.core.bft.chain import Chain
from quorate.core.bft.pool import Pool
from quorate.core.blocks import NO_SUSPECT, Block, Header, compute_base_fee
from quorate.core.params import Params
from quorate.core.results import Judgement, judge_claim

VALID, INVALID, UNDECIDED = Judgement.VALID, Judgement.INVALID, Judgement.UNDECIDED


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement, why, and which batches must be fetched before it can be decided."""

    judgement: Judgement
    reason: str = ""
    missing: tuple[bytes, ...] = ()


def judge_block(
    block: Block, parent: Block, chain: Chain, pool: Pool, params: Params, *, clock_ms: int
) -> Verdict:
    """Judge a block whose parent is proved; ancestry itself is the replica's to prove."""
    header = block.header
    for reason, broken in _list_header_rules(block, parent.header, params):
        if broken:
            return Verdict(INVALID, reason)
    batches = _judge_batches(block, chain, pool, params)
    if batches.judgement is INVALID:
        return batches
    claim = judge_claim(
        parent.header.executed, header.executed, chain.executed_height, chain.results
    )
    if claim is INVALID:
        return Verdict(INVALID, "FALSE_RESULT")
    if claim is UNDECIDED:
        return Verdict(UNDECIDED, "RESULT_NOT_EXECUTED_YET", batches.missing)
    if batches.judgement is UNDECIDED:
        return batches
    if header.time_ms > clock_ms + params.clock_ahead_ms_max:
        return Verdict(UNDECIDED, "TIME_AHEAD")
    return Verdict(VALID)


def _list_header_rules(
    block: Block, parent: Header, params: Params
) -> tuple[tuple[str, bool], ...]:
    header = block.header
    lag = header.height - header.executed.height
    return (
        ("WRONG_VERSION", header.protocol_version != params.protocol_version),
        ("WRONG_ENGINE", header.contract_engine != params.contract_engine),
        ("WRONG_HEIGHT", header.height != parent.height + 1),
        ("TAIL_TOO_EARLY", block.is_tail),
        ("TIME_NOT_ABOVE_PARENT", header.time_ms <= parent.time_ms),
        (
            "WRONG_BASE_FEE",
            header.base_fee != compute_base_fee(parent.base_fee, parent.weight, params),
        ),
        ("WEIGHT_OVER_LIMIT", header.weight > params.block_weight_max),
        ("BATCHES_WHILE_EXECUTION_LAGS", block.batches != () and lag > params.execution_lag_max),
        ("RESULT_OF_ITSELF", header.executed.height >= header.height),
        ("WRONG_SUSPECT", not _is_suspect_open(header)),
    )


def _is_suspect_open(header: Header) -> bool:
    # Whether its runner died only the proposer knows (docs/protocol.md#Z1).
    suspect = header.suspect
    return suspect == NO_SUSPECT or header.executed.height < suspect.height < header.height


def _judge_batches(block: Block, chain: Chain, pool: Pool, params: Params) -> Verdict:
    names = block.batches
    if len(names) > params.block_batches_max or len(set(names)) != len(names):
        return Verdict(INVALID, "BATCH_REPEATED_OR_TOO_MANY")
    branch = chain.find_branch(block.header.parent) or []
    taken = chain.collect_names(branch)
    if any(name in taken or chain.is_recent(name) for name in names):
        return Verdict(INVALID, "BATCH_NAMED_BY_ANCESTOR")
    held = [pool.held[name] for name in names if name in pool.held]
    if any(not pool.is_timely(header, block.header.height) for header in held):
        return Verdict(INVALID, "BATCH_EXPIRED")
    if len(held) < len(names):
        missing = tuple(name for name in names if name not in pool.held)
        return Verdict(UNDECIDED, "BATCHES_MISSING", missing)
    if sum(header.weight for header in held) != block.header.weight:
        return Verdict(INVALID, "WRONG_WEIGHT")
    return Verdict(VALID)
