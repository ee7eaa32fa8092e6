"""The verifier process: decodes transactions, checks what needs no state, verifies signatures.

It talks over one inherited socket (its number is the first argument) and ends when that closes, so
it never outlives its parent. A job is answered by one record per transaction and a list of those
that failed; the layout of both messages stands below and in core/gossip/entries.py.
"""

import json
import os
import signal
import socket
import sys
import time
from io import BufferedRWPair
from struct import Struct
from typing import Final

from quorate.core.codec import unpack_list
from quorate.core.errors import InvalidTransaction, MalformedBytes
from quorate.core.gossip.entries import RECORD, Checked, build_slot
from quorate.core.params import Params
from quorate.core.transactions import Transaction, Transfer, check_signatures, check_transaction
from quorate.kit.convert import decode_transaction

# Job: bytes that follow u32, number u64, count u32, flags u8; then `count` length-prefixed items.
JOB: Final = Struct(">IQIB")
CHECK_SIGNATURES: Final = 1
# Answer: bytes that follow u32, number u64, count u32, CPU time in µs u32; then `count` records
# (zero where a transaction failed before its id was known) and JSON of [index, reason, message,
# fields] per failure.
ANSWER: Final = Struct(">IQII")
NICENESS: Final = 5
_BLANK: Final = bytes(RECORD.size)

Failure = tuple[int, str, str, dict[str, str]]


def main() -> None:
    """Answer jobs until the socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Signatures are most of the work, and no votes: on a full machine the engine goes first.
    os.nice(NICENESS)
    rules = json.loads(sys.argv[2])
    domain, params = bytes.fromhex(rules["domain"]), Params.parse(rules["params"])
    with socket.socket(fileno=int(sys.argv[1])) as end, end.makefile("rwb") as stream:
        try:
            while _serve_one(stream, domain, params):
                pass
        except (BrokenPipeError, ConnectionResetError):
            return


def _serve_one(stream: BufferedRWPair, domain: bytes, params: Params) -> bool:
    head = stream.read(JOB.size)
    if len(head) < JOB.size:
        return False
    size, number, count, flags = JOB.unpack(head)
    content = stream.read(size)
    if len(content) < size:
        return False
    start = time.thread_time()
    records, failures = verify(
        content, count, domain, params, check_all=bool(flags & CHECK_SIGNATURES)
    )
    tail = json.dumps(failures).encode() if failures else b""
    cpu_us = int((time.thread_time() - start) * 1_000_000)
    body = b"".join(records)
    stream.write(ANSWER.pack(len(body) + len(tail), number, len(records), cpu_us) + body + tail)
    stream.flush()
    return True


def verify(
    content: bytes, count: int, domain: bytes, params: Params, *, check_all: bool
) -> tuple[list[bytes], list[Failure]]:
    """Return a record per transaction, and who failed why; `check_all`: signatures too."""
    try:
        items = unpack_list(content, count, "transactions")
    except MalformedBytes as error:
        return [], [(-1, "MALFORMED", error.message, {})]
    records: list[bytes] = []
    failures: list[Failure] = []
    for index, item in enumerate(items):
        record = _BLANK
        try:
            transaction = decode_transaction(item, domain)
            record = bytes(transaction.id) + _BLANK[32:]
            check_transaction(transaction, params)
            if check_all:
                check_signatures(transaction, domain)
            record = describe(transaction).pack()
        except InvalidTransaction as error:
            failures.append((index, error.reason, error.message, error.fields()))
        records.append(record)
    return records, failures


def describe(transaction: Transaction) -> Checked:
    """Return what the mempool must know of a transaction."""
    sender, spent = transaction.sender, 0
    for payload in transaction.payloads:
        if isinstance(payload, Transfer) and payload.signer == sender:
            spent += payload.amount
    return Checked(
        transaction.id,
        build_slot(sender, transaction.lane, transaction.sequence),
        transaction.sequence,
        transaction.valid_until_height,
        transaction.fee_limit,
        transaction.tip,
        transaction.weight,
        spent,
        transaction.size_bytes,
        transaction.lane,
        len(transaction.idempotency_key),
        transaction.idempotency_key,
        transaction.payload_hash,
        int(transaction.report is not None),
    )


if __name__ == "__main__":
    main()
