"""Random expressions that are bytes, texts and addresses."""

from tests.contracts.fuzzing.expressions import ADDRESS, BYTES, MAKERS, STR, U64, make
from tests.contracts.fuzzing.kinds import BITS, Kind, pick_kind
from tests.contracts.fuzzing.scope import Scope


def make_concatenation(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Join two texts."""
    return f"({make(scope, kind, depth)} + {make(scope, kind, depth)})"


def make_slice(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Cut a piece out of bytes."""
    low, high = (make(scope, U64, min(depth, 1)) for _ in range(2))
    return f"{make(scope, kind, depth, typed=True)}[{low}:{high}]"


def make_encoding(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Encode values of any types."""
    kinds = [pick_kind(scope.rng, scope.records, 1) for _ in range(scope.rng.choice((1, 2, 3)))]
    return f"encode({', '.join(make(scope, each, depth, typed=True) for each in kinds)})"


def make_bytes(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Turn something else into bytes."""
    way = scope.rng.randrange(4)
    if way == 0:
        return f"sha256({make(scope, BYTES, depth)})"
    if way == 1:
        return f"{make(scope, STR, depth, typed=True)}.encode()"
    if way == 2:
        return f"bytes(min({make(scope, U64, depth, typed=True)}, 40))"
    return f"bytes({make(scope, ADDRESS, depth, typed=True)})"


def make_cut(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Cut the beginning or the end off."""
    bound = make(scope, U64, min(depth, 1))
    text = make(scope, BYTES, depth, typed=True)
    return f"{text}[{bound}:]" if scope.rng.random() < 0.5 else f"{text}[:{bound}]"


def make_format(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Write numbers and texts into a text."""
    kinds = [Kind(scope.rng.choice(sorted(BITS))), STR]
    parts = [make(scope, scope.rng.choice(kinds), 0, typed=True) for _ in range(2)]
    if any(mark in part for part in parts for mark in "\"'\\\n"):
        return f"str({make(scope, kinds[0], depth, typed=True)})"
    return f'f"{parts[0]} and {{{parts[1]}}}é"'.replace(parts[0], f"{{{parts[0]}}}", 1)


def make_decoding(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Take bytes as a text, which they may not be."""
    if scope.rng.random() < 0.5:
        return None
    return f"{make(scope, BYTES, depth, typed=True)}.decode()"


def make_address(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Take 32 bytes as an address; sometimes they are not 32."""
    text = make(scope, BYTES, depth)
    return f"Address(sha256({text}))" if scope.rng.random() < 0.8 else f"Address({text})"


MAKERS["bytes"] = [make_concatenation, make_slice, make_cut, make_encoding, make_bytes]
MAKERS["str"] = [make_concatenation, make_format, make_decoding]
MAKERS["Address"] = [make_address]
