"""The cache of compiled modules: bounded, whole or nothing, and never needed."""

import os
from pathlib import Path

from quorate.contracts.artefacts import Cache
from quorate.core.contracts.machine import Code
from tests.unit.quorate.contracts.conftest import Chain, Runner
from tests.unit.quorate.contracts.test_servicer import COUNTER

CODES = [Code(bytes([each]) * 32, 0) for each in range(6)]


def list_names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_what_was_written_is_read_by_hash_and_profile(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    cache.write(CODES[0], b"native code")
    assert cache.read(CODES[0]) == b"native code"
    assert cache.read(CODES[0]._replace(profile=1)) is None
    assert Cache(tmp_path / "cache").read(CODES[0]) == b"native code"


def test_a_damaged_file_is_as_good_as_none_and_goes(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write(CODES[0], b"native code")
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    for position in (0, len(data) - 1):
        damaged = bytearray(data)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        assert cache.read(CODES[0]) is None
        assert list_names(tmp_path) == []
    path.write_bytes(data[:-1])
    assert cache.read(CODES[0]) is None


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    cache = Cache(tmp_path, bytes_max=3 * 132)
    for age, code in enumerate(CODES[:3]):
        cache.write(code, bytes(100))
        path = next(each for each in tmp_path.iterdir() if each.name.startswith(code.hash.hex()))
        os.utime(path, ns=(age, age))
    assert cache.read(CODES[0]) is not None
    cache.write(CODES[3], bytes(100))
    assert cache.bytes == 3 * 132
    kept = [code for code in CODES if cache.read(code) is not None]
    assert kept == [CODES[0], CODES[2], CODES[3]]


def test_what_a_crash_left_half_done_is_swept(tmp_path: Path) -> None:
    (tmp_path / "x.fresh").write_bytes(b"half")
    assert Cache(tmp_path).bytes == 0
    assert list_names(tmp_path) == []


async def test_the_directory_may_be_deleted_while_it_serves(runner: Runner, chain: Chain) -> None:
    directory = runner.config.home / "contracts" / "cache"
    contract = chain.deploy(COUNTER)
    await runner.execute(chain, chain.call(contract, "add"))
    (path,) = directory.iterdir()
    path.unlink()
    directory.rmdir()
    child = runner.service.execution._child
    assert child is not None
    await child.kill("to forget what it has loaded")
    await runner.execute(chain, chain.call(contract, "add"))
    assert len(list_names(directory)) == 1
