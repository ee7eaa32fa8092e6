"""Which strange signatures count: the twelve published edge cases, as all validators decide them.

Two libraries decide them differently, which would split the chain: a change here is a fork.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from nacl import bindings
from nacl.exceptions import BadSignatureError

from quorate.core import crypto

FILE = Path(__file__).with_name("ed25519_edge_cases.json")
CASES: list[dict[str, Any]] = json.loads(FILE.read_text())["cases"]


def is_accepted(case: dict[str, Any]) -> bool:
    message, public_key, signature = (
        bytes.fromhex(case[name]) for name in ("message", "public_key", "signature")
    )
    # crypto.is_signed adds a tag and domain, so the primitive under it is asked directly.
    try:
        bindings.crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


def test_all_twelve_are_here() -> None:
    assert [case["number"] for case in CASES] == list(range(12))


@pytest.mark.parametrize("case", CASES, ids=[case["about"] for case in CASES])
def test_edge_case_is_decided_as_written_down(case: dict[str, Any]) -> None:
    assert is_accepted(case) is case["accepted"]


def test_only_the_mixed_order_case_that_needs_no_cofactor_is_accepted() -> None:
    assert [case["number"] for case in CASES if is_accepted(case)] == [3]


def test_core_verifies_by_the_primitive_that_is_pinned_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    real = bindings.crypto_sign_open
    monkeypatch.setattr(
        crypto.bindings, "crypto_sign_open", lambda *given: asked.append(given) or real(*given)
    )
    key = crypto.SigningKey(bytes(32))
    signature = key.sign(crypto.TAG_BATCH, bytes(32), b"message")
    assert crypto.is_signed(key.public_key, signature, crypto.TAG_BATCH, bytes(32), b"message")
    assert len(asked) == 1


@pytest.mark.parametrize("case", CASES, ids=[str(case["number"]) for case in CASES])
def test_no_edge_case_signs_a_tagged_message(case: dict[str, Any]) -> None:
    public_key, signature = bytes.fromhex(case["public_key"]), bytes.fromhex(case["signature"])
    message = bytes.fromhex(case["message"])
    assert not crypto.is_signed(public_key, signature, crypto.TAG_BATCH, bytes(32), message)
