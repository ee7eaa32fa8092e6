"""The author's loop: files are seen to change, tests are run as their author has them."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quorate.devnet import author
from quorate.devnet.author import AuthorTests

PATIENCE_S = 30.0


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "token.py"
    path.write_text("SUPPLY = 5\n")
    (tmp_path / "tests").mkdir()
    return path


async def test_a_change_is_seen_whether_written_or_replaced(source: Path) -> None:
    seen = author.look([source])
    waiting = asyncio.create_task(author.wait_changed([source], seen))
    source.write_text("SUPPLY = 500\n")
    seen = await asyncio.wait_for(waiting, PATIENCE_S)
    waiting = asyncio.create_task(author.wait_changed([source], seen))
    other = source.with_suffix(".new")
    other.write_text("SUPPLY = 6000\n")
    other.replace(source)
    assert await asyncio.wait_for(waiting, PATIENCE_S) != seen


async def test_a_file_that_goes_or_comes_is_a_change(source: Path) -> None:
    tests = author.find_tests(source)
    seen = author.look([source, tests])
    assert seen[1] is None
    tests.write_text("")
    seen = await asyncio.wait_for(author.wait_changed([source, tests], seen), PATIENCE_S)
    source.unlink()
    assert (await asyncio.wait_for(author.wait_changed([source, tests], seen), PATIENCE_S))[
        0
    ] is None


def test_the_same_content_written_again_is_a_change_too(source: Path) -> None:
    seen = author.look([source])
    stat = source.stat()
    os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert author.look([source]) != seen


@pytest.fixture
async def runner(source: Path) -> AsyncIterator[AuthorTests]:
    async with AuthorTests(source) as made:
        yield made


async def test_passing_and_failing_tests_are_told_apart(source: Path, runner: AuthorTests) -> None:
    tests = author.find_tests(source)
    tests.write_text("def test_supply_is_small():\n    assert 5 < 6\n")
    done = await runner.run()
    assert done.passed is True and "1 passed" in done.output and done.seconds > 0
    tests.write_text("def test_supply_is_small():\n    supply = 7\n    assert supply < 6\n")
    done = await runner.run()
    assert done.passed is False and "assert 7 < 6" in done.output


async def test_tests_that_cannot_be_read_fail(source: Path, runner: AuthorTests) -> None:
    author.find_tests(source).write_text("def test_(:\n")
    done = await runner.run()
    assert done.passed is False and "SyntaxError" in done.output


async def test_without_tests_it_says_where_they_would_be(source: Path, runner: AuthorTests) -> None:
    done = await runner.run()
    assert (done.passed, done.seconds) == (None, 0.0)
    assert str(Path("tests") / "test_token.py") in done.output
    author.find_tests(source).write_text("")
    assert (await runner.run()).passed is None


async def test_settings_of_the_project_around_do_not_matter(
    source: Path, runner: AuthorTests
) -> None:
    (source.parent / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    author.find_tests(source).write_text("def test_nothing():\n    pass\n")
    assert (await runner.run()).passed is True


async def test_a_contract_may_have_the_name_of_a_module_of_python(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)
    author.find_tests(source).write_text("def test_nothing():\n    pass\n")
    async with AuthorTests(Path(source.name)) as runner:
        assert (await runner.run()).passed is True


async def test_what_tests_load_is_loaded_anew_each_time(source: Path, runner: AuthorTests) -> None:
    helper = source.parent / "tests" / "helper_of_tests.py"
    text = "import sys\nsys.path.insert(0, {!r})\nimport helper_of_tests\n"
    text += "def test_value():\n    assert helper_of_tests.VALUE == 1\n"
    author.find_tests(source).write_text(text.format(str(helper.parent)))
    helper.write_text("VALUE = 1\n")
    assert (await runner.run()).passed is True
    helper.write_text("VALUE = 20\n")
    assert (await runner.run()).passed is False


async def test_tests_that_kill_their_process_fail_and_the_next_ones_run(
    source: Path, runner: AuthorTests
) -> None:
    tests = author.find_tests(source)
    tests.write_text("import os\n\ndef test_end():\n    os.kill(os.getpid(), 9)\n")
    assert (await runner.run()).passed is False
    tests.write_text("import os\n\ndef test_end():\n    os.kill(os.getppid(), 9)\n")
    assert (await runner.run()).passed is False
    tests.write_text("def test_nothing():\n    pass\n")
    assert (await runner.run()).passed is True


async def test_without_pytest_it_says_what_to_install(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "pytest.py").write_text("raise ModuleNotFoundError('pytest')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "shadow"))
    author.find_tests(source).write_text("def test_nothing():\n    pass\n")
    async with AuthorTests(source) as runner:
        done = await runner.run()
    assert done.passed is None and "pip install pytest" in done.output
