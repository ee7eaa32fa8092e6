"""What must not stand in any file: where this machine is, which registry was used, hidden errors.

And what must agree: rules that the code cites, tables made from code.
"""

import ast
import re
import tomllib

import pytest

from tests.style.sources import ROOT, list_files, list_python, list_text, parse, read

# Host names are put together here so that this file does not hold them.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("docker", "io"),
        ("ghcr", "io"), ("quay", "io"), ("gcr", "io"), ("golang", "org"), ("crates", "io"),
        ("anaconda", "org"), ("yarnpkg", "com"),
    )
]  # fmt: skip
INDEX_OPTIONS = ["index" + "-url", "find" + "-links", "trusted" + "-host"]
HOSTS = {"www.apache.org", "localhost", "127.0.0.1", "example.com"}
URL = re.compile(r"https?://(?:[^/\s@\"']*@)?([A-Za-z0-9.-]+)")
MACHINE_PATH = re.compile(r"(?<![\w.}~)-])/(?:home|root|work|Users|mnt|opt|srv)/\w")

# Tops of tasks, where an error is logged or reported and the process goes on; and libraries.
BROAD_ALLOWED: dict[str, str] = {
    "services/quorate/storage/database.py": "RocksDB raises nothing narrower; _refuse raises",
    "services/quorate/contracts/host_functions.py": "kept; the machine raises it again",
    "services/quorate/contracts/machine.py": "kept; run_deep raises it again",
}
# A wait that is what the test is about, not synchronisation.
SLEEPS: dict[str, str] = {
    "tests/devnet/traffic.py": "the rate of an open-loop load",
    "tests/unit/quorate/gateway/test_hub.py": "spreads additions over a watch",
}

ANCHOR = re.compile(r"docs/(\w+)\.md((?:#[\w-]+)?)((?:(?:,| to| and) #?[A-Z]\d+)*)")


@pytest.mark.parametrize("name", list_text())
def test_file_names_no_registry_and_no_machine(name: str) -> None:
    text = read(name)
    found = [word for word in (*REGISTRIES, *INDEX_OPTIONS) if word in text]
    if name == "Makefile":  # the flag that leaves such lines out of the lock
        found = [word for word in found if word != INDEX_OPTIONS[0]]
    found += [host for host in URL.findall(text) if host.rstrip(".") not in HOSTS]
    found += MACHINE_PATH.findall(text)
    assert not found


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-toolchains.lock"])
def test_lock_holds_names_versions_and_hashes_only(name: str) -> None:
    pin = re.compile(r"[a-z0-9][a-z0-9._-]*==\S+( ; .+)? \\")
    line = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    lines = read(name).splitlines()
    assert [each for each in lines if not pin.fullmatch(each) and not line.fullmatch(each)] == []


def test_lock_covers_what_pyproject_asks_for() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[^A-Za-z0-9._-]", each, maxsplit=1)[0].lower() for each in asked}
    locked = {
        each.split("==")[0] for each in read("requirements.lock").splitlines() if "==" in each
    }
    assert sorted(names - locked) == []


def hides_errors(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler takes every error and does not end by raising one."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {kind.id for kind in kinds if isinstance(kind, ast.Name)}
    broad = handler.type is None or names & {"Exception", "BaseException"}
    return bool(broad) and not isinstance(handler.body[-1], ast.Raise)


@pytest.mark.parametrize("name", list_python("services/", "bench/"))
def test_errors_are_not_hidden(name: str) -> None:
    lines = [
        node.lineno
        for node in ast.walk(parse(name))
        if isinstance(node, ast.ExceptHandler) and hides_errors(node)
    ]
    assert not lines or name in BROAD_ALLOWED, f"lines {lines}: catch what you expect, by its type"


def is_sleep(node: ast.AST) -> bool:
    """Tell whether a node waits for time to pass: a sleep of anything but a literal 0."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
    if node.func.attr != "sleep" or owner not in ("time", "asyncio", "anyio"):
        return False
    first = node.args[0] if node.args else None
    return not (isinstance(first, ast.Constant) and first.value == 0)


@pytest.mark.parametrize("name", list_python("tests/"))
def test_tests_wait_for_events_not_for_time(name: str) -> None:
    lines = [node.lineno for node in ast.walk(parse(name)) if is_sleep(node)]
    assert not lines or name in SLEEPS, f"lines {lines}: wait on an event with a deadline"


def list_cited(name: str) -> set[tuple[str, str]]:
    """Return (page, anchor) of every rule that a file cites, lists of them included."""
    cited = set()
    for page, first, more in ANCHOR.findall(read(name)):
        cited.add((page, first.lstrip("#")))
        cited |= {(page, each) for each in re.findall(r"[A-Z]\d+", more)}
    return cited


@pytest.mark.parametrize(
    "name", [n for n in list_text() if n.endswith((".py", ".proto", ".md", ".toml", "Makefile"))]
)
def test_cited_pages_and_rules_exist(name: str) -> None:
    missing = []
    for page, anchor in list_cited(name):
        path = ROOT / "docs" / f"{page}.md"
        if not path.is_file() or (anchor and f'<a id="{anchor}"></a>' not in path.read_text()):
            missing.append(f"docs/{page}.md#{anchor}")
    assert sorted(missing) == []


@pytest.mark.parametrize("name", list_python("services/"))
def test_every_refusal_to_start_is_explained_to_operators(name: str) -> None:
    page = read("docs/operations.md")
    reasons = [
        keyword.value.value
        for node in ast.walk(parse(name))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RefusedToStart"
        for keyword in node.keywords
        if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant)
    ]
    assert [reason for reason in reasons if str(reason) not in page] == []


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for name in (n for n in list_files() if n.endswith(".md")):
        folder = (ROOT / name).parent
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", read(name)):
            if "://" not in target and not (folder / target).exists():
                broken.append(f"{name}: {target}")
    assert broken == []


def test_paths_in_the_architecture_page_exist() -> None:
    path = re.compile(r"`((?:services|proto|tests|bench|docs)/[\w/.-]*)`")
    named = path.findall(read("docs/architecture.md"))
    assert len(named) > 20
    assert [each for each in named if not (ROOT / each).exists()] == []
