"""What the Java build says when it can't go on; building itself is tested by tests/toolchains."""

from pathlib import Path

import pytest

from quorate.cli import contract_java
from quorate.cli.contract_java import build_java, find_sdk
from quorate.core.errors import InvalidInput, NotFound, Unavailable

FAKE_MAVEN = """#!/bin/sh
echo "$@" >> calls
cat said
exit $(cat code)
"""
COMPILER = """\
[ERROR] COMPILATION ERROR :
[ERROR] {here}/src/main/java/a/A.java:[31,12] error: incompatible types
  found: int
[ERROR] 1 error
[ERROR] Failed to execute goal x:y:1:compile (default-compile) on project a: Compilation failure
[ERROR] {here}/src/main/java/a/A.java:[31,12] error: incompatible types
[ERROR] -> [Help 1]
[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and a Maven that says and does what the files `said` and `code` there hold."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("mvn", "javac"):
        (programs / name).write_text(FAKE_MAVEN)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = tmp_path / "project"
    project.mkdir()
    (project / "pom.xml").write_text("<project/>")
    contract_java._marker().touch()
    return project


def let_maven(project: Path, code: int, said: str) -> None:
    (project / "code").write_text(str(code))
    (project / "said").write_text(said)


def test_a_missing_program_is_named_with_what_to_install(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(NotFound, match="apt install default-jdk-headless maven") as missing:
        build_java(project)
    assert missing.value.reason == "NO_TOOLCHAIN"


def test_a_folder_without_a_project_is_refused(project: Path) -> None:
    (project / "pom.xml").unlink()
    with pytest.raises(NotFound, match="no Maven project"):
        build_java(project)


def test_what_the_compiler_says_stands_once_with_its_place(project: Path) -> None:
    let_maven(project, 1, COMPILER.format(here=project.resolve()))
    with pytest.raises(InvalidInput) as refused:
        build_java(project)
    assert refused.value.message == (
        "the contract does not build:\nsrc/main/java/a/A.java:31: incompatible types\nfound: int"
    )
    assert (project / "calls").read_text().count("\n") == 1


def test_what_the_plugin_says_stands_without_maven_s_words(project: Path) -> None:
    goal = "Failed to execute goal quorate:quorate-contract-maven-plugin:1.0.0:build (default)"
    let_maven(project, 1, f"\x1b[0m[ERROR] {goal} on project a: A.java:3: no threads -> [Help 1]\n")
    with pytest.raises(InvalidInput, match=r"build:\nA.java:3: no threads$"):
        build_java(project)


def test_the_network_is_tried_when_something_lacks(project: Path) -> None:
    let_maven(project, 1, "[ERROR] Could not resolve dependencies: Could not transfer artifact\n")
    with pytest.raises(Unavailable) as refused:
        build_java(project)
    assert refused.value.reason == "NO_PACKAGES"
    calls = (project / "calls").read_text().splitlines()
    assert "--offline" in calls[0] and "--offline" not in calls[1]


def test_the_contract_is_what_maven_leaves(project: Path) -> None:
    let_maven(project, 0, "")
    with pytest.raises(InvalidInput, match="quorate-contract-parent"):
        build_java(project)
    (project / "target").mkdir()
    (project / "target" / "coin.wasm").write_bytes(b"code")
    (project / "target" / "coin.json").write_bytes(b"{}")
    assert build_java(project) == ("coin", b"code", b"{}")


def test_the_sdk_is_in_the_checkout() -> None:
    assert (find_sdk() / "plugin" / "pom.xml").is_file()
