"""What a contract may import, with exact types (docs/contract-abi.md, section 4)."""

from typing import Final

HOST_MODULE: Final = "quorate"
TRACE_LINE: Final = "trace_line"

# name → (parameters, results); "i" is i32, "l" is i64.
_SIGNATURES: Final = {
    "input_size": ("", "i"),
    "input": ("i", ""),
    "output": ("ii", ""),
    "load": ("iiii", "i"),
    "store": ("iiii", ""),
    "caller": ("i", ""),
    "origin": ("i", ""),
    "self": ("i", ""),
    "value": ("", "l"),
    "height": ("", "l"),
    "time_ms": ("", "l"),
    "balance": ("i", "l"),
    "transfer": ("il", ""),
    "token_create": ("iii", ""),
    "token_mint": ("iil", ""),
    "token_burn": ("il", ""),
    "token_transfer": ("iil", ""),
    "token_balance": ("ii", "l"),
    "emit": ("iiii", ""),
    "call": ("iiiiill", "i"),
    "returned": ("i", ""),
    "sha256": ("iii", ""),
    "ed25519_verify": ("iiii", "i"),
    "revert": ("iii", ""),
    TRACE_LINE: ("i", ""),
}
_CODES: Final = {"i": 0x7F, "l": 0x7E}
# name → (parameters, results) as value types of the binary format.
HOST_FUNCTIONS: Final[dict[str, tuple[bytes, bytes]]] = {
    name: (bytes(_CODES[each] for each in parameters), bytes(_CODES[each] for each in results))
    for name, (parameters, results) in _SIGNATURES.items()
}
