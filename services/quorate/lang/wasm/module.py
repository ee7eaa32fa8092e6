"""From named instructions to the binary of a module."""

from collections.abc import Callable, Iterable
from typing import Any

from quorate.lang.wasm import opcodes
from quorate.lang.wasm.code import Function, Instruction, Module

MEMORY_PAGES_MAX = 256
PAGE_BYTES = 65_536

Signature = tuple[tuple[str, ...], tuple[str, ...]]


def encode_module(module: Module) -> bytes:
    """Return a module's binary: the same bytes for the same module, always."""
    return _Writer(module).write()


def find_function(module: Module, offset: int) -> str:
    """Return the name of the function whose body holds a byte of the binary, or nothing."""
    writer = _Writer(module)
    binary = writer.write()
    bodies = b"".join(writer.bodies)
    start = binary.index(bodies)
    for function, body in zip(writer.functions, writer.bodies, strict=True):
        if start <= offset < start + len(body):
            return function.name
        start += len(body)
    return ""


def encode_u(value: int) -> bytes:
    """Return a number as unsigned LEB128."""
    if value < 128:
        return bytes((value,))
    found = bytearray()
    while value >= 128:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def encode_s(value: int, bits: int) -> bytes:
    """Return a number as signed LEB128; unsigned ones are taken as their two's complement."""
    if value >= 1 << bits - 1:
        value -= 1 << bits
    found = bytearray()
    while not -64 <= value < 64:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value & 127)
    return bytes(found)


class _Writer:
    """Numbers everything, then writes it."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self.functions = _find_reached(module)
        self._imports = _find_imports(module, self.functions)
        names = [*self._imports, *(function.name for function in self.functions)]
        self._numbers = {name: encode_u(i) for i, name in enumerate(names)}
        self._globals = {name: encode_u(i) for i, name in enumerate(module.globals)}
        self._types: dict[Signature, int] = {}
        self._data: dict[bytes, int] = {}
        self._image = bytearray()
        self.bodies: list[bytes] = []

    def write(self) -> bytes:
        """Write all sections; the code first, since it says which types and constants there are."""
        module = self._module
        kinds = [self._number(module.imports[name]) for name in self._imports]
        imports = [
            _text("quorate") + _text(name.removeprefix("host_")) + b"\0" + encode_u(kind)
            for name, kind in zip(self._imports, kinds, strict=True)
        ]
        functions = [encode_u(self._number(_sign(f))) for f in self.functions]
        self.bodies = [_sized(self._write_body(function)) for function in self.functions]
        heap = module.data_start + len(self._image)
        pages = heap // PAGE_BYTES + 1
        memory = b"\x01" + encode_u(pages) + encode_u(MEMORY_PAGES_MAX)
        exports = [_text("memory") + b"\x02\x00"]
        exports += [_text(n) + b"\x00" + self._numbers[f] for n, f in module.exports.items()]
        data = b"\x00\x41" + encode_s(module.data_start, 32) + b"\x0b"
        sections = [
            _section(1, [_write_signature(s) for s in self._types]),
            _section(2, imports),
            _section(3, functions),
            _section(5, [memory]),
            _section(6, self._write_globals(heap)),
            _section(7, exports),
            _section(10, self.bodies),
            _section(11, [data + _sized(bytes(self._image))] if self._image else []),
        ]
        return b"\0asm\1\0\0\0" + b"".join(sections)

    def _write_globals(self, heap: int) -> Iterable[bytes]:
        found = []
        for name, kind in self._module.globals.items():
            start = heap if name == self._module.heap else 0
            opcode = opcodes.CONSTANTS[f"{kind}.const"]
            value = opcode + encode_s(start, 32 if kind == "i32" else 64)
            found.append(opcodes.VALUE_TYPES[kind] + b"\x01" + value + b"\x0b")
        return found

    def _write_body(self, function: Function) -> bytes:
        kinds = list(function.locals.values())[len(function.parameters) :]
        groups: list[list[Any]] = []
        for kind in kinds:
            if groups and groups[-1][1] == kind:
                groups[-1][0] += 1
            else:
                groups.append([1, kind])
        locals_ = encode_u(len(groups)) + b"".join(
            encode_u(count) + opcodes.VALUE_TYPES[kind] for count, kind in groups
        )
        return locals_ + self._write_code(function) + opcodes.PLAIN["end"]

    def _write_code(self, function: Function) -> bytes:
        numbers = {name: encode_u(i) for i, name in enumerate(function.locals)}
        labels: list[str] = []
        found: list[bytes] = []
        plain, places = opcodes.PLAIN, opcodes.LOCALS
        for instruction in function.code:
            name = instruction[0]
            if name in plain:
                found.append(plain[name])
                if name == "end":
                    labels.pop()
            elif name in places:
                found.append(places[name] + numbers[instruction[1]])
            elif name in opcodes.BLOCKS:
                labels.append(instruction[1])
                found.append(opcodes.BLOCKS[name] + self._write_block_type(instruction[2]))
            elif name in opcodes.BRANCHES:
                depth = labels[::-1].index(instruction[1])
                found.append(opcodes.BRANCHES[name] + encode_u(depth))
            else:
                found.append(_OPERANDS[name](self, instruction))
        return b"".join(found)

    def _write_block_type(self, results: tuple[str, ...]) -> bytes:
        if not results:
            return b"\x40"
        if len(results) == 1:
            return opcodes.VALUE_TYPES[results[0]]
        return encode_s(self._number(((), results)), 33)

    def write_constant(self, instruction: Instruction) -> bytes:
        """Write a number."""
        bits = 32 if instruction[0] == "i32.const" else 64
        return opcodes.CONSTANTS[instruction[0]] + encode_s(instruction[1], bits)

    def write_call(self, instruction: Instruction) -> bytes:
        """Write a call."""
        return opcodes.CALL + self._numbers[instruction[1]]

    def write_global(self, instruction: Instruction) -> bytes:
        """Write a use of a global."""
        return opcodes.GLOBALS[instruction[0]] + self._globals[instruction[1]]

    def write_memory(self, instruction: Instruction) -> bytes:
        """Write a load or store; without an operand its offset is 0."""
        offset = instruction[1] if len(instruction) > 1 else 0
        return opcodes.MEMORY[instruction[0]] + encode_u(offset)

    def write_data(self, instruction: Instruction) -> bytes:
        """Write the address of a constant."""
        content: bytes = instruction[1]
        if content not in self._data:
            self._data[content] = self._module.data_start + len(self._image)
            self._image += content
        return opcodes.CONSTANTS["i32.const"] + encode_s(self._data[content], 32)

    def _number(self, signature: Signature) -> int:
        return self._types.setdefault(signature, len(self._types))


_OPERANDS: dict[str, Callable[[_Writer, Instruction], bytes]] = {
    "call": _Writer.write_call,
    "data": _Writer.write_data,
    **dict.fromkeys(opcodes.CONSTANTS, _Writer.write_constant),
    **dict.fromkeys(opcodes.GLOBALS, _Writer.write_global),
    **dict.fromkeys(opcodes.MEMORY, _Writer.write_memory),
}


def _find_reached(module: Module) -> list[Function]:
    """Return the functions that exports reach, in the order they are found."""
    queue, seen = list(module.exports.values()), dict.fromkeys(module.exports.values())
    for name in queue:
        for called in module.functions[name].find_calls():
            if called not in seen and called not in module.imports:
                seen[called] = None
                queue.append(called)
    return [module.functions[name] for name in seen]


def _find_imports(module: Module, functions: list[Function]) -> list[str]:
    called = {name for function in functions for name in function.find_calls()}
    return [name for name in module.imports if name in called]


def _sign(function: Function) -> Signature:
    kinds = tuple(function.locals[name] for name in function.parameters)
    return kinds, function.results


def _write_signature(signature: Signature) -> bytes:
    sides = (b"".join(opcodes.VALUE_TYPES[kind] for kind in side) for side in signature)
    parameters, results = sides
    counts = encode_u(len(signature[0])), encode_u(len(signature[1]))
    return b"\x60" + counts[0] + parameters + counts[1] + results


def _sized(data: bytes) -> bytes:
    return encode_u(len(data)) + data


def _text(name: str) -> bytes:
    return _sized(name.encode())


def _section(number: int, items: Iterable[bytes]) -> bytes:
    found = list(items)
    if not found:
        return b""
    return bytes((number,)) + _sized(encode_u(len(found)) + b"".join(found))
