"""Values, types and interfaces of contracts, for who writes clients: all in one place.

interface = parse_interface((await client.contract(address)).interface)
data = encode_fields(interface.find_method("transfer").parameters, [to, 5], interface.records)
"""

from quorate.core.contracts.abi_types import Fields, Records, Type, WrongType, parse_type
from quorate.core.contracts.values import (
    WrongValue,
    compute_zero,
    decode_fields,
    decode_value,
    encode_fields,
    encode_value,
)
from quorate.sdk.contract_interface import (
    Entry,
    Interface,
    Method,
    WrongInterface,
    compute_key,
    compute_prefix,
    decode_event,
    decode_record,
    parse_interface,
)
from quorate.sdk.contract_json import (
    fields_to_json,
    from_json,
    parse_arguments,
    parse_text,
    to_json,
)

__all__ = [
    "Entry", "Fields", "Interface", "Method", "Records", "Type", "WrongInterface", "WrongType",
    "WrongValue", "compute_key", "compute_prefix", "compute_zero", "decode_event", "decode_fields",
    "decode_record", "decode_value", "encode_fields", "encode_value", "fields_to_json",
    "from_json", "parse_arguments", "parse_interface", "parse_text", "parse_type", "to_json",
]  # fmt: skip
