"""Awaits calls; what fails comes out as an error of core/errors.py."""

from collections.abc import Awaitable
from typing import TypeVar

from grpc import aio

from quorate.kit import faults

_Answer = TypeVar("_Answer")


async def answer(call: Awaitable[_Answer]) -> _Answer:
    """Return what a call answers; raises the core error that it fails with."""
    try:
        return await call
    except aio.AioRpcError as error:
        raise faults.from_rpc_error(error) from error
