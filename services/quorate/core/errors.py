"""Every error a user or peer can cause, as one tree with typed fields.

    QuorateError                 reason, fields()
    ├── InvalidInput             malformed or impossible whatever the state   → INVALID_ARGUMENT
    │   ├── MalformedBytes       a canonical layout does not parse
    │   ├── MalformedAddress     text is no address
    │   ├── InvalidTransaction   a stateless check of a transaction failed (reason says which)
    │   ├── InvalidGenesis       a genesis document is wrong (field says where)
    │   ├── InvalidBatch         proof against its author
    │   ├── InvalidBlock         a proposal breaks a rule
    │   ├── InvalidCertificate   too few, repeated, foreign or bad signatures
    │   ├── InvalidReceipt       a finality receipt proves nothing (reason says why)
    │   └── InvalidModule        a contract's module breaks a rule (offset says where)
    ├── Rejected                 right in form, refused in the present state  → FAILED_PRECONDITION
    ├── NotFound                 no such block, receipt, account …            → NOT_FOUND
    │   └── NotYet               but soon there will be; retry_after_ms
    ├── Overloaded               bounded room is used up; retry_after_ms      → RESOURCE_EXHAUSTED
    ├── Unavailable              a service or quorum cannot be reached        → UNAVAILABLE
    └── RefusedToStart           what is on disk must not be run with         → FAILED_PRECONDITION

`kit/faults.py` holds the one table from here to gRPC status + ErrorInfo and CLI exit codes.
"""


class QuorateError(Exception):
    """Root of all expected errors; `reason` is a stable UPPER_SNAKE word for machines."""

    reason = "UNKNOWN"

    def __init__(self, message: str, *, reason: str | None = None, **fields: object) -> None:
        super().__init__(message)
        self.message = message
        if reason is not None:
            self.reason = reason
        self._fields = fields

    def fields(self) -> dict[str, str]:
        """Return the typed details as text, for ErrorInfo metadata and `--json`."""
        return {name: str(value) for name, value in self._fields.items()}


class InvalidInput(QuorateError):
    """The input is wrong whatever the state."""

    reason = "INVALID_INPUT"


class MalformedBytes(InvalidInput):
    """Bytes do not parse as the canonical layout they claim to be."""

    reason = "MALFORMED_BYTES"

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}", what=what)


class MalformedAddress(InvalidInput):
    """Text is not an address."""

    reason = "MALFORMED_ADDRESS"

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"'{text}' is not an address: it {why}", text=text)


class InvalidTransaction(InvalidInput):
    """A stateless check of a transaction failed."""

    reason = "INVALID_TRANSACTION"


class InvalidGenesis(InvalidInput):
    """A genesis document is wrong at `field`."""

    reason = "INVALID_GENESIS"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"genesis field {field}: {why}", field=field)
        self.field, self.why = field, why


class InvalidBatch(InvalidInput):
    """A batch is wrong, which is proof against the author that signed it."""

    reason = "INVALID_BATCH"


class InvalidBlock(InvalidInput):
    """A proposal breaks a rule of docs/protocol.md."""

    reason = "INVALID_BLOCK"


class InvalidCertificate(InvalidInput):
    """A certificate has too few, repeated, foreign or bad signatures."""

    reason = "INVALID_CERTIFICATE"


class InvalidReceipt(InvalidInput):
    """A finality receipt proves nothing; `reason` says why."""

    reason = "INVALID_RECEIPT"


class InvalidModule(InvalidInput):
    """A WebAssembly module breaks a rule of docs/contract-abi.md at a byte offset."""

    reason = "INVALID_MODULE"

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message}, at byte {offset}", offset=offset)
        self.offset = offset


class Rejected(QuorateError):
    """Right in form, refused in the present state; `reason` says why."""

    reason = "REJECTED"


class NotFound(QuorateError):
    """What was asked for does not exist here."""

    reason = "NOT_FOUND"


class NotYet(NotFound):
    """What was asked for does not exist here yet; ask again after `retry_after_ms`."""

    reason = "NOT_YET"

    def __init__(
        self, message: str, *, retry_after_ms: int, reason: str | None = None, **fields: object
    ) -> None:
        super().__init__(message, reason=reason, **fields)
        self.retry_after_ms = retry_after_ms


class Overloaded(QuorateError):
    """A bounded resource is used up; try again after `retry_after_ms`."""

    reason = "OVERLOADED"

    def __init__(self, what: str, *, retry_after_ms: int = 200) -> None:
        super().__init__(f"{what} is full; try again in {retry_after_ms} ms", what=what)
        self.retry_after_ms = retry_after_ms


class Unavailable(QuorateError):
    """A service or a quorum cannot be reached now."""

    reason = "UNAVAILABLE"


class RefusedToStart(QuorateError):
    """What lies on disk must not be run with; the message names the next step."""

    reason = "REFUSED_TO_START"
