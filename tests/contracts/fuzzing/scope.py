"""What the program that is being written has so far: variables, locals, helpers, events."""

import random
from dataclasses import dataclass, field

from tests.contracts.fuzzing.kinds import Kind


@dataclass(frozen=True, slots=True)
class Helper:
    """A function or method without decorator that later code may call."""

    name: str
    parameters: tuple[Kind, ...]
    returns: Kind | None
    is_method: bool
    is_recursive: bool = False


@dataclass(slots=True)
class Scope:
    """Names that an expression may use where it stands."""

    rng: random.Random
    variables: dict[str, Kind] = field(default_factory=dict)
    records: list[Kind] = field(default_factory=list)
    constants: dict[str, Kind] = field(default_factory=dict)
    events: list[Kind] = field(default_factory=list)
    helpers: list[Helper] = field(default_factory=list)
    # Methods of another contract that this one may call.
    remotes: list[Helper] = field(default_factory=list)
    locals: dict[str, Kind] = field(default_factory=dict)
    # Locals that nothing may assign: counters of loops, and lists while a loop goes through them.
    fixed: set[str] = field(default_factory=set)
    has_self: bool = True
    # In a view nothing is written.
    is_view: bool = False
    returns: Kind | None = None
    loops: int = 0
    calls: int = 0
    names: int = 0

    def make_name(self) -> str:
        """Return a name that nothing else has."""
        self.names += 1
        return f"v{self.names}"

    def enter_function(self, parameters: dict[str, Kind], has_self: bool) -> None:
        """Begin a function: nothing is there but its parameters."""
        self.locals = dict(parameters)
        self.fixed = set()
        self.has_self = has_self
        self.loops = self.calls = 0

    @property
    def may_write(self) -> bool:
        """Tell whether variables can be changed and others be called."""
        return self.has_self and not self.is_view

    def list_callable(self) -> list[Helper]:
        """Return the helpers that can be called here."""
        return [each for each in self.helpers if self.may_write or not each.is_method]

    def find_locals(self, kind: Kind, assignable: bool = False) -> list[str]:
        """Return the locals of a type."""
        return [
            name
            for name, each in self.locals.items()
            if each == kind and not (assignable and name in self.fixed)
        ]

    def find_variables(self, kind: Kind) -> list[str]:
        """Return the contract's variables of a type, as they are written."""
        if not self.has_self:
            return []
        return [f"self.{name}" for name, each in self.variables.items() if each == kind]

    def find_constants(self, kind: Kind) -> list[str]:
        """Return the module's constants of a type."""
        return [name for name, each in self.constants.items() if each == kind]

    def list_maps(self) -> list[tuple[str, Kind]]:
        """Return the contract's maps, as they are written, with their types."""
        if not self.has_self:
            return []
        return [
            (f"self.{name}", kind) for name, kind in self.variables.items() if kind.name == "Map"
        ]
