"""Generates Python from proto/: `python proto/generate.py [OUTPUT_ROOT]`, services/ by default.

The path of a .proto is its package and its Python import, so nothing needs rewriting afterwards.
"""

import subprocess
import sys
from pathlib import Path

PROTO = Path(__file__).resolve().parent


def generate(output: Path) -> None:
    """Write messages, stubs and type stubs of all services below `output`."""
    scripts = Path(sys.executable).parent
    plugins = ("protoc-gen-mypy", "protoc-gen-mypy_grpc")
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    arguments = [
        *[sys.executable, "-m", "grpc_tools.protoc", "--proto_path=."],
        *[f"--{kind}_out={output}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")],
        *[f"--plugin={plugin}={scripts / plugin}" for plugin in plugins],
        *files,
    ]
    done = subprocess.run(arguments, cwd=PROTO, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    # Packages all the way down, or import-linter does not see them.
    api = output / "quorate" / "api"
    for folder in (api, *(path for path in api.rglob("*") if path.name != "__pycache__")):
        if folder.is_dir():
            (folder / "__init__.py").write_text('"""Generated from proto/ by `make proto`."""\n')


if __name__ == "__main__":
    generate(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else PROTO.parent / "services")
