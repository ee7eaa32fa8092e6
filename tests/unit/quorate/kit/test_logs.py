"""Logs are JSON lines on stderr with their context, and never touch stdout."""

import json

import pytest
import structlog

from quorate.kit.logs import get_logger, set_up_logs


@pytest.fixture(autouse=True)
def _reset() -> object:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_a_line_is_json_with_context_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", node="v0", role="all")
    get_logger("gossip").info("peer came", seat=3)
    out, err = capsys.readouterr()
    line = json.loads(err)
    assert out == ""
    assert (line["event"], line["level"], line["service"]) == ("peer came", "info", "gossip")
    assert (line["node"], line["role"], line["seat"]) == ("v0", "all", 3)
    assert line["timestamp"].endswith("Z")


def test_what_is_below_the_level_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("warning")
    get_logger("gossip").info("peer came")
    get_logger("gossip").warning("peer banned")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == [
        "peer banned"
    ]


def test_an_exception_is_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs()
    try:
        raise ValueError("odd")
    except ValueError:
        get_logger("gossip").exception("task died")
    assert "ValueError: odd" in json.loads(capsys.readouterr().err)["exception"]


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(KeyError):
        set_up_logs("loud")
