"""What a contract's file declares, once it is read: the symbols that checking looks names up in."""

import ast
from dataclasses import dataclass, field

from quorate.lang.types import NOTHING, Record, Type

Parameters = list[tuple[str, Type]]


@dataclass(slots=True)
class Function:
    """A method of the contract, or a function of the module."""

    name: str
    node: ast.FunctionDef
    parameters: Parameters
    returns: Type = NOTHING
    is_method: bool = False
    is_public: bool = False
    is_view: bool = False
    is_payable: bool = False

    @property
    def is_exported(self) -> bool:
        """Say whether it can be called from outside."""
        return self.is_public or self.is_view or self.name == "__init__"

    @property
    def doc(self) -> str:
        """Return the docstring, or nothing."""
        return ast.get_docstring(self.node) or ""


@dataclass(slots=True)
class Constant:
    """A name of the module; an int without an annotation takes the type its use wants."""

    value: int | bool | bytes | str
    type: Type | None


@dataclass(slots=True)
class Event:
    """What a contract tells the world."""

    name: str
    fields: Parameters


@dataclass(slots=True)
class Interface:
    """Another contract's methods, as this one knows them."""

    name: str
    methods: dict[str, Function] = field(default_factory=dict)


@dataclass(slots=True)
class Program:
    """One file."""

    path: str
    source: str
    tree: ast.Module
    name: str = ""
    contract: ast.ClassDef | None = None
    imported: set[str] = field(default_factory=set)
    constants: dict[str, Constant] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    variables: dict[str, Type] = field(default_factory=dict)
    methods: dict[str, Function] = field(default_factory=dict)


def strip_name(name: str) -> str:
    """Return a field's name as the interface shows it: `from_` is `from`."""
    return name.rstrip("_") or name
