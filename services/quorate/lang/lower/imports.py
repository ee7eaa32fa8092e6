"""What the chain offers, with its types (docs/contract-abi.md, section 4)."""

from typing import Final

from quorate.lang.wasm.code import I32, I64

_P, _I = I32, I64

IMPORTS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "host_input_size": ((), (_P,)),
    "host_input": ((_P,), ()),
    "host_output": ((_P, _P), ()),
    "host_load": ((_P, _P, _P, _P), (_P,)),
    "host_store": ((_P, _P, _P, _P), ()),
    "host_caller": ((_P,), ()),
    "host_origin": ((_P,), ()),
    "host_self": ((_P,), ()),
    "host_value": ((), (_I,)),
    "host_height": ((), (_I,)),
    "host_time_ms": ((), (_I,)),
    "host_balance": ((_P,), (_I,)),
    "host_transfer": ((_P, _I), ()),
    "host_token_create": ((_P, _P, _P), ()),
    "host_token_mint": ((_P, _P, _I), ()),
    "host_token_burn": ((_P, _I), ()),
    "host_token_transfer": ((_P, _P, _I), ()),
    "host_token_balance": ((_P, _P), (_I,)),
    "host_emit": ((_P, _P, _P, _P), ()),
    "host_call": ((_P, _P, _P, _P, _P, _I, _I), (_P,)),
    "host_returned": ((_P,), ()),
    "host_sha256": ((_P, _P, _P), ()),
    "host_ed25519_verify": ((_P, _P, _P, _P), (_P,)),
    "host_revert": ((_P, _P, _P), ()),
    "host_trace_line": ((_P,), ()),
}
