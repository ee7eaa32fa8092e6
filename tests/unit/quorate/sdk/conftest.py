"""Gives the SDK's tests the same nodes and gateway as the gateway's tests."""

import importlib.util
from pathlib import Path

_PATH = Path(__file__).parent.parent / "gateway" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("quorate_gateway_nodes", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
_NODES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_NODES)

build_network = _NODES.build_network
