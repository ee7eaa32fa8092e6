"""Writes the tables in docs/ that are made from code; `--check` only tells whether they are fresh.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`.
"""

import ast
import inspect
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from quorate.core.contracts.host import COLD_FUEL
from quorate.core.contracts.prices import (
    HOST_PRICES,
    INSTANCE_PRICE,
    JAVA_PRICE,
    MEASURED_NS,
    PAGE_PRICE,
)
from quorate.core.params import Params
from quorate.kit import metrics
from quorate.kit.config import FileConfig, GatewayConfig, NodeConfig

DOCS = Path(__file__).resolve().parent
PAGES = ("operations.md", "contracts.md")


def build_metrics() -> str:
    """Return the table of all metrics, by name."""
    rows = ["| metric | kind | labels | what |", "|---|---|---|---|"]
    found = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
    for metric in sorted(found, key=lambda each: each._name):
        kind = metric._type
        name = metric._name + ("_total" if kind == "counter" else "")
        labels = ", ".join(metric._labelnames)
        rows.append(f"| `{name}` | {kind} | {labels} | {metric._documentation} |")
    return "\n".join(rows)


def build_params() -> str:
    """Return the table of chain parameters and their defaults."""
    rows = ["| parameter | default |", "|---|---|"]
    rows += [f"| `{name}` | {value:,} |" for name, value in Params().to_document().items()]
    return "\n".join(rows)


def build_fuel() -> str:
    """Return the table of what contracts pay for the host's work."""
    rows = ["| what | fuel per call | per byte | measured, µs |", "|---|---|---|---|"]
    for name, (per_call, per_byte) in HOST_PRICES.items():
        measured = f"{MEASURED_NS[name] / 1_000:.1f}" if name in MEASURED_NS else ""
        rows.append(f"| `{name}` | {per_call:,} | {per_byte or ''} | {measured} |")
    rows.append(f"| a contract's instance, per call | {INSTANCE_PRICE:,} | | 30 with a page |")
    rows.append(f"| what a Java contract begins with, per call | {JAVA_PRICE:,} | | |")
    rows.append(f"| a page of its memory (64 KiB) | {PAGE_PRICE:,} | | 27 |")
    rows.append(f"| a record that nothing named beforehand, once | {COLD_FUEL:,} | | |")
    return "\n".join(rows)


def list_docstrings(kind: type[FileConfig]) -> dict[str, str]:
    """Return what stands under each field of a class in its source."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        field.target.id: text.value.value
        for field, text in pairwise(body.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def build_config(kind: type[FileConfig]) -> str:
    """Return the table of a configuration file's fields."""
    prefix, texts = kind.model_config.get("env_prefix", ""), list_docstrings(kind)
    rows = ["| field | environment | default | what |", "|---|---|---|---|"]
    for name, field in kind.model_fields.items():
        value = field.get_default(call_default_factory=True)
        default = "required" if field.is_required() else f"`{value!r}`"
        what = " ".join(texts[name].split())
        rows.append(f"| `{name}` | `{prefix}{name.upper()}` | {default} | {what} |")
    return "\n".join(rows)


TABLES: dict[str, Callable[[], str]] = {
    "metrics": build_metrics,
    "params": build_params,
    "fuel": build_fuel,
    "node.toml": lambda: build_config(NodeConfig),
    "gateway.toml": lambda: build_config(GatewayConfig),
}


def fill(text: str) -> str:
    """Return a page's text with its tables made anew."""

    def replace(match: re.Match[str]) -> str:
        return f"{match[1]}\n{TABLES[match[2]]()}\n<!-- end -->"

    return re.sub(r"(<!-- table: (\S+) -->)\n.*?<!-- end -->", replace, text, flags=re.DOTALL)


def main() -> int:
    """Write, or check, all pages; return the exit status."""
    stale = []
    for page in PAGES:
        path = DOCS / page
        old = path.read_text()
        new = fill(old)
        if new != old:
            stale.append(page)
            if "--check" not in sys.argv:
                path.write_text(new)
    if stale and "--check" in sys.argv:
        print(f"stale: {', '.join(stale)}; run: make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
