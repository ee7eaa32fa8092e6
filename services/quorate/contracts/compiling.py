"""A child that compiles one module: it may take long or break, and is killed then."""

import os
import time
from typing import Final

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.contracts import frames
from quorate.contracts.engine import BadModule, Engine
from quorate.contracts.frames import Link
from quorate.core.contracts.instrument import instrument_module
from quorate.core.contracts.module import check_module
from quorate.core.errors import InvalidModule

PLAIN_JOB: Final = 0
CHECK_JOB: Final = 1
# Blocks go before whatever somebody only wants to know.
NICENESS: Final = 5


def serve_job(link: Link, body: bytes, engines: tuple[Engine, ...]) -> None:
    """Do one job: (kind, profile, module). Of a check the result is an encoded CheckResponse."""
    kind, profile, code = body[0], body[1], body[2:]
    if kind == CHECK_JOB:
        os.nice(NICENESS)
        link.send(frames.RESULT, _check(code, profile, engines).SerializeToString())
        return
    try:
        artefact = engines[profile].compile(instrument_module(code))
    except BadModule as error:
        link.send(frames.REFUSED, str(error).encode())
    else:
        link.send(frames.ARTEFACT, artefact.encode())


def _check(code: bytes, profile: int, engines: tuple[Engine, ...]) -> pb.CheckResponse:
    try:
        module = check_module(code, profile)
        started = time.monotonic()
        artefact = engines[profile].compile(instrument_module(code))
    except InvalidModule as error:
        return pb.CheckResponse(message=error.message, offset=error.offset)
    except BadModule as error:
        return pb.CheckResponse(message=f"the engine refuses the module: {error}")
    return pb.CheckResponse(
        methods=module.methods,
        compile_us=int((time.monotonic() - started) * 1_000_000),
        compiled_bytes=len(artefact.compiled),
    )
