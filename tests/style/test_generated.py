"""Generated files are what their sources give: `make proto`, `make docs` bring them up to date."""

import subprocess
import sys
from pathlib import Path

from tests.style.sources import ROOT


def list_tree(folder: Path) -> dict[str, str]:
    files = [f for f in folder.rglob("*") if f.is_file() and f.suffix in (".py", ".pyi")]
    return {str(file.relative_to(folder)): file.read_text() for file in files}


def test_api_is_generated_from_proto(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "proto/generate.py", tmp_path], check=True, timeout=120)
    fresh, kept = list_tree(tmp_path / "quorate/api"), list_tree(ROOT / "services/quorate/api")
    assert sorted(fresh) == sorted(kept), "run: make proto"
    assert [name for name in fresh if fresh[name] != kept[name]] == [], "run: make proto"


def test_tables_in_docs_are_made_from_code() -> None:
    command = [sys.executable, ROOT / "docs/generate.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
