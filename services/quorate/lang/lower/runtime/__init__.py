"""What every build may need, in low Python (lower/low.py); a build takes what it calls."""

from functools import cache
from importlib.resources import files

from quorate.lang.lower.low import translate
from quorate.lang.wasm.code import Function


@cache
def load_runtime() -> dict[str, Function]:
    """Return the runtime's functions by name."""
    folder = files(__name__)
    names = ("memory", "codec", "storage", "text", "lists", "integers", "u128")
    return translate((folder / f"{name}.low").read_text() for name in names)
