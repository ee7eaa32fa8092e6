"""Writes the code of one function: locals, temporary ones, labels."""

from quorate.lang.lower.layout import get_kinds
from quorate.lang.program import Program
from quorate.lang.types import Map, Type
from quorate.lang.wasm.code import I32, Code, Function, Instruction, Module


class Builder:
    """A module that is being built, and what its functions need to know."""

    def __init__(self, program: Program, module: Module, *, tracing: bool) -> None:
        self.program, self.module, self.tracing = program, module, tracing
        # Variables that are kept in globals: those whose values can't change by themselves.
        self.kept = {
            name: kind
            for name, kind in program.variables.items()
            if not isinstance(kind, Map) and not kind.is_mutable
        }


class Writer:
    """Of one function."""

    def __init__(self, builder: Builder, name: str, results: tuple[str, ...] = ()) -> None:
        self.builder = builder
        self.function = Function(name, (), results)
        self.code: Code = self.function.code
        # Labels of the loops around this place: (of `break`, of `continue`).
        self.loops: list[tuple[str, str]] = []
        self._labels = 0
        self._used: dict[str, int] = {}

    def emit(self, *code: Instruction) -> None:
        """Add instructions."""
        self.code.extend(code)

    def add_parameters(self, parameters: list[tuple[str, Type]]) -> None:
        """Declare the parameters; before any other local."""
        for name, kind in parameters:
            self.declare(name, kind)
        self.function.parameters = tuple(self.function.locals)

    def declare(self, name: str, kind: Type) -> list[str]:
        """Declare a local of the language; return the locals that hold it."""
        return [
            self._declare(part, k) for part, k in zip(_split(name), get_kinds(kind), strict=False)
        ]

    def _declare(self, name: str, kind: str) -> str:
        self.function.locals.setdefault(name, kind)
        return name

    def make_temps(self, kinds: tuple[str, ...]) -> list[str]:
        """Return locals for values, free again when the statement ends."""
        found = []
        for kind in kinds:
            number = self._used.get(kind, 0)
            self._used[kind] = number + 1
            found.append(self._declare(f"<{kind} {number}>", kind))
        return found

    def make_temp(self) -> str:
        """Return a local for an address."""
        return self.make_temps((I32,))[0]

    def mark(self) -> dict[str, int]:
        """Return which temporary locals are in use."""
        return dict(self._used)

    def release(self, mark: dict[str, int]) -> None:
        """Free all that were taken since."""
        self._used = mark

    def keep(self, kinds: tuple[str, ...]) -> list[str]:
        """Move values from the stack into new temporary locals."""
        names = self.make_temps(kinds)
        self.set(names)
        return names

    def set(self, names: list[str]) -> None:
        """Move values from the stack into locals."""
        self.code.extend(("local.set", name) for name in reversed(names))

    def get(self, names: list[str]) -> None:
        """Push locals."""
        self.code.extend(("local.get", name) for name in names)

    def move(self, source: list[str], target: list[str]) -> None:
        """Copy locals."""
        self.get(source)
        self.set(target)

    def make_label(self) -> str:
        """Return a new label."""
        self._labels += 1
        return f"L{self._labels}"

    def call(self, name: str, line: int | None = None) -> None:
        """Call a function, with the line as last argument if given."""
        if line is not None:
            self.code.append(("i32.const", line))
        self.code.append(("call", name))

    def push_text(self, text: str) -> None:
        """Push the address and size of a constant text."""
        data = text.encode()
        self.emit(("data", data), ("i32.const", len(data)))

    def finish(self) -> str:
        """Add the function to the module; return its name."""
        if self.function.results:
            self.code.append(("unreachable",))
        self.builder.module.add(self.function)
        return self.function.name


def _split(name: str) -> tuple[str, str]:
    return name, f"{name} high"


def get_locals(name: str, kind: Type) -> list[str]:
    """Return the locals that hold a local of the language."""
    return list(_split(name)[: len(get_kinds(kind))])


def make_bytes(data: bytes) -> Instruction:
    """Return code that pushes a constant of type bytes or str."""
    if not data:
        return ("i32.const", 0)
    return ("data", len(data).to_bytes(4, "little") + data)
