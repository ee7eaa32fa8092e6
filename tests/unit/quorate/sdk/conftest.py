"""Gives the SDK's tests the same nodes and gateway as the gateway's tests, and storage's folder."""

from tests.unit.quorate.gateway.conftest import build_network
from tests.unit.quorate.storage.conftest import directory

__all__ = ["build_network", "directory"]
