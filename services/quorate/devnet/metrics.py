"""Reads a node's Prometheus metrics, as little of the format as our own metrics need."""

import re
import urllib.request
from typing import Final

from quorate.devnet.ports import HOST

_SAMPLE: Final = re.compile(r'^([a-z_]+)(?:\{(?:[a-z_]+="([^"]*)")?[^}]*\})? ([0-9.e+-]+)$')
_SCRAPE_S: Final = 3.0

Samples = dict[tuple[str, str], float]
"""(metric, value of its first label or "") → value."""


def read_metrics(port: int) -> Samples:
    """Return all samples of a metrics endpoint; none when it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=_SCRAPE_S) as answer:
            return parse_metrics(answer.read().decode())
    except OSError:
        return {}


def parse_metrics(text: str) -> Samples:
    """Return the samples of a Prometheus text; only the first label's value is kept."""
    matches = (_SAMPLE.match(line) for line in text.splitlines())
    return {(m[1], m[2] or ""): float(m[3]) for m in matches if m is not None}
