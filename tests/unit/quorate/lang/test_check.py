"""What is outside the language is refused where it stands, with what to write instead."""

from textwrap import dedent

import pytest

from quorate.lang.check import check
from quorate.lang.errors import InvalidContract
from tests.unit.quorate.lang.pair import HEAD, make_source

VARIABLES = """
    count: u64
    small: u8
    signed: i64
    wide: u128
    flag: bool
    name: str
    data: bytes
    owner: Address
    items: List[u64]
    table: Map[Address, u64]
    nested: Map[u64, Map[u64, u64]]
    offer: Offer
    offers: Map[u64, Offer]
"""
TYPES = """
    FEE = 5

    class Offer(Record):
        price: u64

    class Sold(Event):
        price: u64

    class Token(Interface):
        def send(self, to: Address) -> bool: ...

    def helper(x: u64) -> u64:
        return x
"""

# Statement in a method → (what carets are under, message, hint).
STATEMENTS = {
    "x = 1.5": ("1.5", "there are no floats", "count in the smallest unit, as u64 or u128"),
    "x = self.count / 2": ("self.count / 2", "there are no floats, and so no `/`", "write //"),
    "self.count = self.signed": ("self.signed", "this is i64, u64 is needed", "u64(…) reverts"),
    "self.small = self.count": ("self.count", "this is u64, u8 is needed", "u8(…) reverts"),
    "self.small = 256": ("256", "256 does not fit u8", ""),
    "self.count = -1": ("-1", "-1 does not fit u64", "i64 does"),
    "x = self.count + self.signed": ("self.signed", "u64 and i64 don't go together", "convert one"),
    "x = self.name + self.data": ("self.data", "str and bytes don't go together", ""),
    "x = -self.count": ("-self.count", "`-` of u64 is negative", "0 - x, or use i64"),
    "x = not self.count": ("self.count", "this is u64, bool is needed", "compare it: … != 0"),
    "if self.count:\n    pass": ("self.count", "this is u64, bool is needed", "compare it: … != 0"),
    "if self.name:\n    pass": ("self.name", "this is str, bool is needed", "conditions are bool"),
    "x = self.flag + self.flag": ("self.flag + self.flag", "`+` is not for bool", "and, or, !="),
    "x = y": ("y", "there is no `y` here", ""),
    "x = count": ("count", "there is no `count` here", "write self.count"),
    "x = self.nothing": ("self.nothing", "the contract has no variable `nothing`", ""),
    "x = self.balance": ("self.balance", "no variable `balance`", "write balance(self.address)"),
    "x = self.table": ("self.table", "`table` is a Map", "read one entry"),
    "x = self.nested[1]": ("self.nested[1]", "`nested` is a nested Map", "it has two keys"),
    "x = self.table[5]": ("5", "this is u64, Address is needed", ""),
    "x = len(self.table)": ("len(self.table)", "a Map can't be counted", "keep a count"),
    "for k in self.table:\n    pass": ("self.table", "a Map can't be iterated", "keep the keys"),
    "self.offer.price = 1": ("self.offer.price", "a copy of what is stored", "read it, change it"),
    "self.offers[1].price += 1": ("self.offers[1].price", "a copy of what is stored", "store it"),
    "self.caller = self.owner": ("self.caller", "self.caller can't be set", ""),
    "x = self.items[-1]": ("-1", "an index is not negative", "items[len(items) - 1]"),
    "x = self.items[0:1]": ("self.items[0:1]", "List[u64] has no slices", "write a for loop"),
    "x = self.name[0]": ("self.name[0]", "str has no items", "text.encode()[i]"),
    "x = []": ("[]", "an empty List of what?", "items: List[u64] = []"),
    "x = {}": ("{}", "there are no dicts", "use a Map variable, or a List"),
    "x = {1}": ("{1}", "there are no sets", "Map[…, bool]"),
    "x = [i for i in self.items]": ("[i for i in self.items]", "no comprehensions", "for loop"),
    "x = lambda: 1": ("lambda: 1", "there are no lambdas", "a function of the module"),
    "x = (y := 1)": ("y := 1", "no assignment inside an expression", "a line of its own"),
    "x = None": ("None", "`None` is no value here", "zero stands for nothing"),
    "x = y = 1": ("x = y = 1", "one target at a time", "write two lines"),
    "x = 1\nx = self.name": ("self.name", "this is str, u64 is needed", ""),
    "x = self.send(1)": ("self.send(1)", "the contract has no method `send`", ""),
    "x = int(self.count)": ("int(self.count)", "no function `int`", "write u64(…)"),
    "print(1)": ("print(1)", "there is no function `print`", "emit an event"),
    "x = helper(1, 2)": ("helper(1, 2)", "2 arguments for 1", "it takes (x: u64)"),
    "x = helper(x=1)": ("helper(x=1)", "arguments are given by place", ""),
    "x = Offer(cost=1)": ("1", "fields stand in their order", "price"),
    "x = Sold(1)": ("Sold(1)", "an event is no value", "write emit(Sold(…))"),
    "emit(1)": ("emit(1)", "emit takes an event of this file", ""),
    "x = Token(self.owner)": ("Token(self.owner)", "a contract is no value", "call a method"),
    "Token(self.count).send(self.owner)": ("self.count", "this is u64, Address is needed", ""),
    "Token(self.owner).steal()": ("Token(self.owner).steal()", "Token has no method `steal`", ""),
    "try:\n    pass\nexcept ValueError:\n    pass": ("try:", "there is no catching", "check first"),
    'raise ValueError("no")': ('raise ValueError("no")', "no exceptions", 'write revert("…")'),
    "with self.name:\n    pass": ("with self.name:", "there is no `with`", ""),
    "import os": ("import os", "a contract imports only quorate.lang", ""),
    "global x": ("global x", "there are no variables of the module", "of the contract"),
    "def inner():\n    pass": ("def inner():", "no function inside a function", "write a method"),
    "while self.flag:\n    pass\nelse:\n    pass": ("pass", "a loop has no else", "use a bool"),
    "x = self.count is 1": ("self.count is 1", "this is no comparison of values", "== or !="),
    "x = self.flag < True": ("self.flag < True", "bool has no order", "== or !="),
    "x = 1 in self.name": ("self.name", "nothing is in str", "a Map or a List"),
    "self.count": ("self.count", "this does nothing", "assign it, or leave it out"),
    "assert (self.flag, 'x')": ("assert (self.flag, 'x')", "this is always true", "parentheses"),
    "del self.items[0]": ("del self.items[0]", "only an entry of a Map", "del self.map[key]"),
    "len = 5\nx = len(self.data)": ("len(self.data)", "`len` is a variable here", "another name"),
    "x = len(self.data)\nlen = 5": ("len", "`len` has a meaning already", "another name"),
    "FEE = 6": ("FEE", "`FEE` has a meaning already", "another name"),
    "for i in range(0, 9, self.count):\n    pass": (
        "range(0, 9, self.count)", "the step must be known here", "range(a, b, 2)"),
    "if self.flag:\n    x = 1\ny = x": ("x", "`x` may have no value here", "before the branch"),
    "while self.flag:\n    x = 1\ny = x": ("x", "`x` may have no value here", ""),
    "for i in range(3):\n    pass\ny = i": ("i", "`i` may have no value here", ""),
    "x: int = 5": ("int", "unknown type `int`", "say how wide: u8, u32, u64, u128 or i64"),
    "x: Map[u64, u64]": ("Map[u64, u64]", "a Map is in storage", "only variables of the contract"),
    "x: Token": ("Token", "an interface is no type of values", "keep the address"),
    'x = f"{self.count:x}"': ('f"{self.count:x}"', "no formats in f-strings", "write {name} only"),
    "x = revert('a')": ("revert('a')", "revert stands on a line of its own", ""),
    "x = self.items.sort()": ("self.items.sort()", "List[u64] has no method `sort` here", ""),
    "x = self.items.append(1)": ("self.items.append(1)", "this has no value", "statement"),
    "a, b = self.count": ("a", "u64 is not 2 values", ""),
    "x = ()": ("()", "a tuple has at least one part", ""),
    "self.items += [1]": ("self.items += [1]", "`+=` would change the List itself", "append"),
    "match self.count:\n    case 1:\n        pass": ("match self.count:", "no match", "elif"),
}  # fmt: skip


def refuse(source: str) -> list[str]:
    """Return what is said of a file, a text for each problem."""
    with pytest.raises(InvalidContract) as caught:
        check(source, "bad.py")
    lines = source.splitlines()
    assert caught.value.fields()["line"] == str(caught.value.problems[0].line)
    return [p.render("bad.py", lines[p.line - 1]) for p in caught.value.problems]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statement_is_refused_with_its_place_and_what_to_write(statement: str) -> None:
    place, message, hint = STATEMENTS[statement]
    body = "\n".join(f"    {line}" for line in statement.splitlines())
    method = f"@public\ndef run(self):\n{body}\n"
    source = make_source(method, head=TYPES, variables=VARIABLES)
    head, line, carets, *rest = refuse(source)[-1].splitlines()
    assert head.startswith("bad.py:") and message in head
    assert line[carets.index("^") : carets.rindex("^") + 1] == place
    assert hint in "\n".join(rest)


DECLARATIONS = {
    "": ("there is no contract in this file", "class Name(Contract):"),
    "import os\n": ("a contract imports only quorate.lang", "copy what you need"),
    "from quorate.lang import nothing\n": ("quorate.lang has no `nothing`", "it has Contract,"),
    "from quorate.lang import u64 as number\n": ("import names as they are", ""),
    "print(1)\n": ("a module holds constants, functions and classes", ""),
    "FEE = helper()\n": ("the value must be known when building", ""),
    "FEE: u8 = 300\n": ("300 does not fit u8", ""),
    "class A:\n    pass\n": ("a class is a Contract, a Record, an Event or an Interface", ""),
    "class A(Record):\n    x: u64 = 5\n": ("a Record holds fields only", "write `name: type`"),
    "class A(Record):\n    pass\n": ("a Record needs a field", ""),
    "class A(Interface):\n    def a(self):\n        return 1\n": ("an Interface is empty", "..."),
    "class A(Contract):\n    x: u64 = 5\n": ("a variable has no value here", "in __init__"),
    "class A(Contract):\n    value: u64\n": ("`self.value` has a meaning already", ""),
    "class A(Contract):\n    x: Map[List[u64], u64]\n": ("List[u64] can't be a key", ""),
    "class A(Contract):\n    x: Map[u8, Map[u8, Map[u8, u8]]]\n": ("a Map nests once", ""),
    "class A(Contract):\n    x: list\n": ("unknown type `list`", "write List[…]"),
    "class A(Contract):\n    @public\n    def init(self): ...\n": ("can be called `init`", ""),
    "class A(Contract):\n    def a(self, x): ...\n": ("its type is missing", "`name: u64`"),
    "class A(Contract):\n    def a(self, x: u64 = 5): ...\n": ("no defaults", ""),
    "class A(Contract):\n    def a(x: u64): ...\n": ("of a method is self", ""),
    "class A(Contract):\n    @property\n    def a(self): ...\n": ("unknown decorator", "@public"),
    "class A(Contract):\n    @payable\n    def a(self): ...\n": ("public methods are payable", ""),
    "class A(Contract):\n    def __del__(self): ...\n": ("means nothing in a contract", ""),
    "class A(Contract):\n    def a(self) -> u64:\n        pass\n": ("may end without a result", ""),
    "class A(Contract):\n    pass\nclass B(Contract):\n    pass\n": ("one contract in a file", ""),
    "class A(Record):\n    __x: u64\n": ("`__x` means nothing in a contract", ""),
    "class A(Record):\n    x: u64\n    x_: u64\n": ("`x_` is declared already", ""),
    "class A(Contract):\n    grün: u64\n": ("letters, digits and _ of ASCII", "another name"),
    "def len(x: u64):\n    pass\n": ("`len` has a meaning already", "another name"),
    "balance = 5\n": ("`balance` has a meaning already", "another name"),
    'TEXT = "\\ud800"\n': ("this is no valid text", ""),
    "class A(Contract):\n    @view\n    def __init__(self): ...\n": ("when the contract is", ""),
    "class A(Contract):\n    def view(self): ...\n": ("no method can be called `view`", ""),
    "class A(Contract)\n    pass\n": ("expected ':'", "this is not Python"),
}


@pytest.mark.parametrize("source", DECLARATIONS)
def test_declaration_is_refused(source: str) -> None:
    message, hint = DECLARATIONS[source]
    texts = refuse(HEAD + source)
    assert any(message in text and hint in text for text in texts), texts


def test_views_only_read_whatever_they_call() -> None:
    methods = """
        @view
        def direct(self):
            self.count = 1

        @view
        def deep(self) -> u64:
            return self.middle()

        def middle(self) -> u64:
            return self.bottom()

        def bottom(self) -> u64:
            emit(Sold(1))
            return 5

        @view
        def remote(self, to: Address) -> bool:
            return Token(to).send(to)
    """
    texts = refuse(make_source(methods, head=TYPES, variables=VARIABLES))
    messages = [text.splitlines()[0].split(": ", 1)[1] for text in texts]
    assert messages == [
        "a view only reads, but it sets count",
        "a view only reads, but middle writes",
        "a view only reads, but it calls send, which is no @view",
    ]


def test_all_problems_are_told_at_once_in_their_order() -> None:
    source = make_source(
        """
        @public
        def first(self):
            x = 1.5
            y = nothing
            if self.missing:
                z = {}

        @public
        def second(self) -> u8:
            return 300
        """
    )
    lines = [int(text.split(":")[1]) for text in refuse(source)]
    assert len(lines) == 4 and lines == sorted(lines)


def test_columns_count_characters() -> None:
    source = make_source('@public\ndef run(self):\n    x = "äöü€" + 1.5\n')
    head, line, carets, _ = refuse(source)[0].splitlines()
    assert line[carets.index("^") : carets.rindex("^") + 1] == "1.5"
    assert head.split(":")[2] == "22"


def test_names_must_be_imported() -> None:
    source = dedent(
        """
        from quorate.lang import Contract, public

        class A(Contract):
            count: u64

            @public
            def run(self):
                self.count = u64(5)
        """
    )
    (text,) = refuse(source)
    assert "`u64` is not imported" in text and "from quorate.lang import u64" in text


def test_constants_are_made_of_constants() -> None:
    source = make_source(
        "@public\ndef run(self) -> u8:\n    for i in range(0, 99, STEP):\n        pass\n"
        "    return FAR\n",
        head="STEP: u64 = 3\nFAR = (STEP + 4) ** 2 // 7 << 1\n",
    )
    constants = check(source, "good.py").program.constants
    assert (constants["STEP"].value, constants["FAR"].value) == (3, 14)


def test_hostile_sources_are_refused_and_nothing_else_is_raised() -> None:
    for source in ("\0", "(" * 500, "a" + ".a" * 5000, "-" * 5000 + "1", "x = 2 ** 10 ** 9\n"):
        with pytest.raises(InvalidContract):
            check(HEAD + source, "bad.py")
