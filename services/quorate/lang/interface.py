"""The interface document that is deployed with the code (docs/contract-abi.md, section 5)."""

import ast
import json
from typing import Any

from quorate.lang.program import Function, Program, strip_name
from quorate.lang.types import NOTHING


def make_interface(program: Program) -> bytes:
    """Return the document: JSON without blanks, keys sorted."""
    constructor = program.methods.get("__init__")
    document: dict[str, Any] = {
        "abi": 1,
        "name": program.name,
        "language": "python",
        "doc": _read_doc(program),
        "records": {
            record.name: _list_fields(zip(record.fields, record.types, strict=True))
            for record in program.records.values()
        },
        "variables": [[name, kind.name] for name, kind in program.variables.items()],
        "constructor": {
            "parameters": _list_fields(constructor.parameters if constructor else []),
            "payable": constructor.is_payable if constructor else False,
            "doc": constructor.doc if constructor else "",
        },
        "methods": [
            _describe(method)
            for method in program.methods.values()
            if method.is_exported and method.name != "__init__"
        ],
        "events": [
            {"name": event.name, "fields": _list_fields(event.fields)}
            for event in program.events.values()
        ],
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _describe(method: Function) -> dict[str, Any]:
    return {
        "name": method.name,
        "parameters": _list_fields(method.parameters),
        "returns": "" if method.returns == NOTHING else method.returns.name,
        "view": method.is_view,
        "payable": method.is_payable,
        "doc": method.doc,
    }


def _list_fields(fields: Any) -> list[list[str]]:
    return [[strip_name(name), kind.name] for name, kind in fields]


def _read_doc(program: Program) -> str:
    assert program.contract is not None
    return ast.get_docstring(program.contract) or ast.get_docstring(program.tree) or ""
