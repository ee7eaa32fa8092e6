"""A contract's variables under plain CPython: records of the host, as the ABI lays them out."""

from typing import Any

from quorate.lang.author import Map
from quorate.lang.hosts import get_host
from quorate.lang.types import List, Type
from quorate.lang.types import Map as MapType
from quorate.lang.values import Makers, decode, encode, make_zero


def compute_prefix(name: str) -> bytes:
    """Return where a variable's records begin (docs/contract-abi.md, section 3)."""
    return bytes((len(name.encode()),)) + name.encode()


def load(key: bytes, kind: Type, makers: Makers) -> Any:
    """Return a record's value, fresh; the type's zero if there is none."""
    data = get_host().load(key)
    return decode(kind, data, makers) if data else make_zero(kind, makers)


def store(key: bytes, kind: Type, value: Any) -> None:
    """Write a record; zero removes it."""
    data = encode(kind, value)
    get_host().store(key, data if any(data) else b"")


class StoredMap(Map[Any, Any]):
    """A map, or the inner one of a nested map, at a prefix of keys."""

    def __init__(self, prefix: bytes, kind: MapType, makers: Makers) -> None:
        self._prefix, self._kind, self._makers = prefix, kind, makers

    def __getitem__(self, key: Any) -> Any:
        where, kind = self._find(key), self._kind.value
        if isinstance(kind, MapType):
            return StoredMap(where, kind, self._makers)
        return load(where, kind, self._makers)

    def __setitem__(self, key: Any, value: Any) -> None:
        store(self._find(key), self._kind.value, value)

    def __delitem__(self, key: Any) -> None:
        get_host().store(self._find(key), b"")

    def __contains__(self, key: Any) -> bool:
        return get_host().load(self._find(key)) != b""

    def get_list(self, key: Any) -> "StoredList":
        """Return an entry that is a List, so that changes are stored."""
        kind = self._kind.value
        assert isinstance(kind, List)
        return StoredList(self._find(key), kind, self._makers)

    def _find(self, key: Any) -> bytes:
        return self._prefix + encode(self._kind.key, key)


class StoredList:
    """A List in storage, for what changes it: every change loads and stores it."""

    def __init__(self, key: bytes, kind: List, makers: Makers) -> None:
        self._key, self._kind, self._makers = key, kind, makers

    def append(self, value: Any) -> None:
        """Add an item."""
        items = self._load()
        items.append(value)
        store(self._key, self._kind, items)

    def pop(self) -> Any:
        """Take the last item off."""
        items = self._load()
        value = items.pop()
        store(self._key, self._kind, items)
        return value

    def __getitem__(self, index: int) -> Any:
        return self._load()[index]

    def __setitem__(self, index: int, value: Any) -> None:
        items = self._load()
        items[index] = value
        store(self._key, self._kind, items)

    def _load(self) -> list[Any]:
        items: list[Any] = load(self._key, self._kind, self._makers)
        return items
