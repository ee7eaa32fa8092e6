"""Gives the SDK's tests the same nodes and gateway as the gateway's tests."""

from tests.unit.quorate.gateway.conftest import build_network

__all__ = ["build_network"]
