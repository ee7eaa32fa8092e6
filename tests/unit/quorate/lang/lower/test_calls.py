"""The language's own functions, money, and contracts that call each other."""

from tests.unit.quorate.lang.pair import Pair, make_source, run

BOB = b"\x0b" * 32
TOP = 2**64 - 1


def test_bytes_and_text() -> None:
    methods = """
        @public
        def run(self, a: bytes, s: str, i: u64, j: u64) -> List[bytes]:
            found: List[bytes] = [a[i:j], a[:i], a[j:], a[:], a + a[i:], s.encode() + b"!"]
            found.append(bytes(i))
            found.append(bytes(self.caller))
            found.append(sha256(a))
            found.append(encode(i, s, a < b"b", [i, j], (self.caller, 5)))
            found.append((s + f"<{i}>" + str(j)).encode())
            return found
    """
    pair = Pair(make_source(methods))
    for given in (
        (b"abcdef", "äöü", 2, 4),
        (b"", "", 0, 9),
        (b"xyz", "z", 9, 1),
        (b"q", "€", 1, TOP),
    ):
        pair.call("run", *given)


def test_text_has_characters_and_an_order() -> None:
    methods = """
        @public
        def run(self, a: str, b: str) -> tuple[u64, u64, bool, bool, bool, bool]:
            return len(a), len(a.encode()), a < b, a <= b, a == b, a.encode() >= b.encode()
    """
    pair = Pair(make_source(methods))
    for a in ("", "a", "ab", "b", "ä", "€uro", "😀", "aä"):
        for b in ("", "a", "b", "ä", "\uffff", "😀"):
            pair.call("run", a, b)


def test_bytes_become_text_only_if_they_are() -> None:
    methods = """
        @public
        def run(self, a: bytes) -> str:
            return a.decode()
    """
    pair = Pair(make_source(methods))
    good = [b"", b"abc", "äß€😀\U0010ffff\ue000\ud7ff\x7f\x80\u07ff\u0800".encode()]
    bad = """
        80 c080 c1bf e08080 e09fbf eda080 f0808080 f08fbfbf f4908080 f5808080 ff
        61c3 e282 f09f98 c328 e228a1
    """
    for data in good:
        assert pair.call("run", data) == data.decode()
    for text in bad.split():
        assert pair.call("run", bytes.fromhex(text))[1] == "invalid UTF-8"


def test_addresses_are_made_of_32_bytes() -> None:
    methods = """
        @public
        def run(self, a: bytes) -> tuple[bool, bool, Address]:
            made = Address(a)
            return made == self.caller, made < NO_ADDRESS or made > NO_ADDRESS, made
    """
    pair = Pair(make_source(methods))
    assert pair.call("run", BOB) == (False, True, BOB)
    assert pair.call("run", bytes(32)) == (False, False, bytes(32))
    assert pair.call("run", b"\1" * 31)[1] == "an address is 32 bytes"


def test_natives_tell_of_the_call_and_move_money() -> None:
    methods = """
        @public
        @payable
        def run(self, to: Address, amount: u64) -> tuple[u64, u64, u64, bool, bool]:
            transfer(to, amount)
            return balance(to), balance(self.address), self.value, self.caller == self.origin, (
                self.height > 0 and self.time_ms > 0
            )

        @public
        def plain(self) -> u64:
            return self.value
    """
    pair = Pair(make_source(methods))
    assert pair.call("run", BOB, 30, value=100) == (30, 70, 100, True, True)
    assert pair.call("run", BOB, 71, value=0)[0] != "REVERTED"
    assert pair.call("plain", value=1)[1] == "this method takes no value"


def test_native_tokens_are_made_and_moved() -> None:
    methods = """
        @public
        def run(self, to: Address) -> tuple[u64, u64]:
            self.token = create_token(TokenSpec("TOK", "A token", 2, 1000, 100, False, False))
            mint_token(self.token, to, 50)
            transfer_token(self.token, to, 20)
            burn_token(self.token, 10)
            return token_balance(self.token, to), token_balance(self.token, self.address)
    """
    assert run(methods, BOB, variables="token: Address") == (70, 70)


def test_functions_and_methods_call_each_other() -> None:
    head = """
        LIMIT: u64 = 1_000
        STEP = 3

        def double(x: u128) -> u128:
            return x * 2 if x < LIMIT else x

        def fibonacci(n: u64) -> u64:
            if n < 2:
                return n
            return fibonacci(n - 1) + fibonacci(n - 2)

        def mark(items: List[u64], x: u64):
            items.append(x)
    """
    methods = """
        @public
        def run(self, n: u64) -> tuple[u128, u64, List[u64]]:
            items: List[u64] = []
            mark(items, n + STEP)
            self.other(items)
            return double(double(u128(n))), fibonacci(n), items

        def other(self, items: List[u64]):
            mark(items, 1)
            if len(items) > 1:
                return
            mark(items, 2)
    """
    assert run(methods, 12, head=head) == (48, 144, [15, 1])


BANK = """
    class Bank(Interface):
        def deposit(self, to: Address, amount: u64) -> u64: ...
        @view
        def get(self, of: Address) -> tuple[u64, str]: ...
        def back(self, to: Address) -> u64: ...
        def fail(self): ...
        def lie(self) -> bool: ...
"""


BANK_SOURCE = make_source(
    """
    @public
    @payable
    def deposit(self, to: Address, amount: u64) -> u64:
        self.held[to] += amount + self.value
        return self.held[to]

    @view
    def get(self, of: Address) -> tuple[u64, str]:
        return self.held[of], "held"

    @public
    def fail(self):
        revert("no" + " way")

    @public
    def lie(self) -> u8:
        return 2
    """,
    variables="held: Map[Address, u64]",
)

USER_SOURCE = make_source(
    """
    @public
    @payable
    def run(self, bank: Address) -> tuple[u64, tuple[u64, str], u64]:
        self.count += 1
        first = Bank(bank, value=self.value).deposit(self.address, self.count)
        self.count += Bank(bank).deposit(self.address, 2)
        return first, Bank(bank).get(self.address), self.count

    @public
    def fail(self, bank: Address):
        self.count = 77
        Bank(bank).fail()

    @public
    def lie(self, bank: Address) -> bool:
        return Bank(bank).lie()
    """,
    head=BANK,
    variables="count: u64",
)


def test_contracts_call_each_other_with_state_written_before_and_read_after() -> None:
    pair = Pair(BANK_SOURCE)
    where = pair.deployed[0][1].address
    assert pair.add(USER_SOURCE) is None
    assert pair.call("run", where, value=10) == (11, (13, "held"), 14)
    assert pair.call("fail", where)[:2] == ("REVERTED", "no way")
    assert pair.call("lie", where)[:2] == ("REVERTED", "malformed result")
    assert pair.call("run", where) == (28, (30, "held"), 45)


# RFC 8032, section 7.1, test 1: the signature of an empty message.
KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
SIGNATURE = (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)


def test_signatures_are_verified() -> None:
    methods = """
        @view
        def run(self, key: bytes, signature: bytes, message: bytes) -> bool:
            return ed25519_verify(key, signature, message)
    """
    pair = Pair(make_source(methods))
    key, signature = bytes.fromhex(KEY), bytes.fromhex(SIGNATURE)
    assert pair.call("run", key, signature, b"") is True
    assert pair.call("run", key, signature, b"x") is False
    assert pair.call("run", key[1:], signature, b"") is False
    assert pair.call("run", key, signature + b"\0", b"") is False
    assert pair.call("run", key, bytes(64), b"") is False
