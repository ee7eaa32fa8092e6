"""Ports given out are free, distinct and below what systems use for outgoing connections."""

import socket

from quorate.devnet.ports import HOST, PORT_FIRST, PORT_LAST, find_free_ports, is_free


def test_ports_are_distinct_free_and_in_range() -> None:
    ports = find_free_ports(20)
    assert len(set(ports)) == 20
    assert all(PORT_FIRST <= port <= PORT_LAST and is_free(port) for port in ports)


def test_listening_port_is_not_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_ports_to_avoid_are_avoided() -> None:
    odd = range(PORT_FIRST + 1, PORT_LAST + 1, 2)
    assert all(port % 2 == 0 for port in find_free_ports(20, odd))
