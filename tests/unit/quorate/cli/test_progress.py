"""What is read of a long operation without a terminal: news at once, the same not too often."""

import io

import pytest
from rich.console import Console

from quorate.cli.progress import Progress


@pytest.fixture
def heard() -> io.StringIO:
    return io.StringIO()


def test_steps_and_new_waits_are_lines_and_a_countdown_is_not(heard: io.StringIO) -> None:
    console = Console(file=heard, force_terminal=False, width=200)
    with Progress(console) as progress:
        progress.wait("validator-4 catches up · epoch 3 ends in 9 s")
        progress.wait("validator-4 catches up · epoch 3 ends in 8 s")
        progress.step("validator-4 is a candidate")
        progress.wait("the election · epoch 3 ends in 7 s")
    lines = heard.getvalue().splitlines()
    assert [line.partition(" s  ")[2] for line in lines] == [
        "… validator-4 catches up · epoch 3 ends in 9 s",
        "✓ validator-4 is a candidate",
        "… the election · epoch 3 ends in 7 s",
    ]


def test_on_a_terminal_waits_replace_each_other_and_steps_stay(heard: io.StringIO) -> None:
    console = Console(file=heard, force_terminal=True, width=200, _environ={})
    with Progress(console) as progress:
        progress.wait("one")
        progress.step("done with [brackets] and all")
        progress.wait("two")
    assert "done with [brackets] and all" in heard.getvalue()


def test_who_interrupts_is_told_how_to_go_on(heard: io.StringIO) -> None:
    console = Console(file=heard, force_terminal=False, width=200)
    with pytest.raises(KeyboardInterrupt), Progress(console):
        raise KeyboardInterrupt
    assert "run it again" in heard.getvalue()
