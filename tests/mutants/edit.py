"""Breaks a rule in the real code: one fragment of one function is replaced while a `with` lasts.

The function object stays, only its code is swapped, so that everybody who has imported it runs the
broken one. A fragment that is not there exactly once is an error: a mutant can't rot unseen.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import CodeType, FunctionType
from typing import Any, cast

Patch = AbstractContextManager[None]
_SWAPPED: set[FunctionType] = set()


class StaleMutant(Exception):
    """The code that a mutant wants to break has changed: bring the mutant up to date."""


def edit(target: Callable[..., Any], *swaps: str) -> Patch:
    """Return a context in which fragments of a function are others: old, new, old, new, …"""
    return _swap_code(_unwrap(target), swaps)


@contextmanager
def both(*patches: Patch) -> Iterator[None]:
    """Enter several edits that make one broken rule together."""
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield


@contextmanager
def _swap_code(function: FunctionType, swaps: tuple[str, ...]) -> Iterator[None]:
    whole = function.__code__
    assert function not in _SWAPPED, f"one edit for all that changes in {function.__qualname__}"
    function.__code__ = compile_swapped(function, swaps)
    _SWAPPED.add(function)
    try:
        yield
    finally:
        function.__code__ = whole
        _SWAPPED.remove(function)


def compile_swapped(function: FunctionType, swaps: tuple[str, ...]) -> CodeType:
    """Return a function's code with fragments replaced; raises StaleMutant when that can't be."""
    whole = source = textwrap.dedent(inspect.getsource(function))
    for old, new in zip(swaps[::2], swaps[1::2], strict=True):
        if source.count(old) != 1:
            found = source.count(old)
            raise StaleMutant(f"{function.__qualname__} holds {old!r} {found} times, not once")
        source = source.replace(old, new)
    broken = _compile(function, source)
    if _describe(broken) == _describe(_compile(function, whole)):
        raise StaleMutant(f"{function.__qualname__} does the same with {swaps}")
    return broken


def _compile(function: FunctionType, source: str) -> CodeType:
    code = function.__code__
    # Empty lines in front, so that a traceback shows the right place.
    padded = "\n" * (code.co_firstlineno - 1) + source
    flags = annotations.compiler_flag
    module = compile(padded, code.co_filename, "exec", flags=flags, dont_inherit=True)
    codes = [each for each in module.co_consts if isinstance(each, CodeType)]
    return next(each for each in codes if each.co_name == function.__name__)


def _describe(code: CodeType) -> tuple[object, ...]:
    consts = [_describe(each) if isinstance(each, CodeType) else each for each in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, tuple(map(repr, consts))


def _unwrap(target: Any) -> FunctionType:
    inner = target.fget if isinstance(target, property) else target
    return cast(FunctionType, inspect.unwrap(inner))
