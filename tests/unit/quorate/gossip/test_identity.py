"""A node's key and certificate are made once, kept private, and found again."""

from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from quorate.core.errors import RefusedToStart
from quorate.gossip.identity import TLS_NAME, compute_node_id, init_node, load_node


def test_keys_are_made_once_and_nobody_else_may_read_them(tmp_path: Path) -> None:
    node_id = init_node(tmp_path)
    assert init_node(tmp_path) == node_id
    identity = load_node(tmp_path)
    assert identity.node_id == node_id == compute_node_id(identity.key.public_key)
    for name in ("node.key", "tls.key.pem"):
        assert (tmp_path / "gossip" / name).stat().st_mode & 0o777 == 0o600


def test_the_certificate_names_a_node_and_its_hash_is_of_the_der_form(tmp_path: Path) -> None:
    init_node(tmp_path)
    identity = load_node(tmp_path)
    certificate = x509.load_pem_x509_certificate(identity.certificate_pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == [TLS_NAME]
    assert sha256(certificate.public_bytes(Encoding.DER)).digest() == identity.certificate_hash


def test_an_interrupted_start_makes_what_is_missing(tmp_path: Path) -> None:
    node_id = init_node(tmp_path)
    (tmp_path / "gossip" / "tls.cert.pem").unlink()
    assert init_node(tmp_path) == node_id


def test_without_a_key_or_with_a_damaged_one_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(RefusedToStart) as raised:
        load_node(tmp_path)
    assert raised.value.reason == "NO_NODE_KEY"
    init_node(tmp_path)
    (tmp_path / "gossip" / "node.key").write_text("not hex")
    with pytest.raises(RefusedToStart) as raised:
        load_node(tmp_path)
    assert raised.value.reason == "BAD_NODE_KEY"
