"""The tree of a checked file, changed so that plain CPython does what a build does."""

import ast

from quorate.lang.check import Typed


def rewrite(typed: Typed) -> ast.Module:
    """Return what CPython shall run."""
    return typed.program.tree
