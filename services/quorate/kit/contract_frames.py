"""What storage and the contract-runner say to each other, as core values."""

import json

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.core.applied import Applied
from quorate.core.blocks import Header
from quorate.core.codec import Reader
from quorate.core.context import Context
from quorate.core.contracts.machine import Machine
from quorate.core.params import Params
from quorate.core.receipts import encode_receipt, read_receipt


def build_begin(context: Context) -> pb.Begin:
    """Return what a talk about a block begins with."""
    document = json.dumps(context.params.to_document(), sort_keys=True, separators=(",", ":"))
    return pb.Begin(header=context.header.encode(), params=document.encode(), domain=context.domain)


def decode_begin(begin: pb.Begin, machine: Machine) -> Context:
    """Return the block that a talk is about; raises MalformedBytes, InvalidGenesis."""
    params = Params.parse(json.loads(begin.params))
    return Context(Header.decode(begin.header), params, begin.domain, machine)


def encode_applied(applied: Applied) -> pb.Done:
    """Return what applying a slice gave as it travels."""
    return pb.Done(
        receipts=[encode_receipt(receipt) for receipt in applied.receipts],
        details=[pb.Detail(position=at, detail=detail) for at, detail in applied.details],
        writes=[pb.Record(key=key, value=value) for key, value in applied.writes],
        fees=applied.fees, bound=applied.bound, refuted=applied.refuted,
    )  # fmt: skip


def decode_applied(done: pb.Done) -> Applied:
    """Return what applying a slice gave; raises MalformedBytes."""
    receipts = []
    for each in done.receipts:
        reader = Reader(each, "receipt")
        receipts.append(read_receipt(reader))
        reader.end()
    return Applied(
        receipts,
        [(each.position, each.detail) for each in done.details],
        [(each.key, each.value) for each in done.writes],
        done.fees, list(done.bound), list(done.refuted),
    )  # fmt: skip
