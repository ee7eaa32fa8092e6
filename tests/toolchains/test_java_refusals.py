"""What can't be a contract is refused by the build, with file, line and what to do instead."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from quorate.cli.contract_java import build_java
from quorate.core.errors import InvalidInput
from tests.toolchains.conftest import EXAMPLES

TOKEN = EXAMPLES / "java-token"
PACKAGES = Path.home() / ".m2" / "repository"
HEAD = "package c; import quorate.contract.*; import java.util.*;\n"
BODY = "@Contract public class C { %s @Public void f() { } }"
Edit = Callable[[str, str], Path]


@pytest.fixture
def edited(tmp_path: Path, java_token: tuple[bytes, bytes]) -> Edit:
    """Returns a copy of the token's project in which one text is replaced."""

    def edit(old: str, new: str) -> Path:
        project = tmp_path / "token"
        shutil.copytree(TOKEN, project, ignore=shutil.ignore_patterns("target"))
        source = project / "src" / "main" / "java" / "token" / "Token.java"
        text = source.read_text()
        assert old in text
        source.write_text(text.replace(old, new))
        return project

    return edit


def find_line(text: str) -> int:
    """Return in which line of the token a text stands."""
    source = TOKEN / "src" / "main" / "java" / "token" / "Token.java"
    return source.read_text().split(text)[0].count("\n") + 1


def test_the_same_source_gives_the_same_bytes_elsewhere(
    edited: Edit, java_token: tuple[bytes, bytes]
) -> None:
    name, code, interface = build_java(edited("public class Token", "public  class Token"))
    assert name == "token"
    assert hashlib.sha256(code).digest() == hashlib.sha256(java_token[0]).digest()
    assert interface == java_token[1]


def test_a_compile_error_has_its_place(edited: Edit) -> None:
    with pytest.raises(InvalidInput) as refused:
        build_java(edited("supply = supply.plus(amount);", "supply = supply + amount;"))
    place = f"src/main/java/token/Token.java:{find_line('supply = supply.plus')}: "
    assert place + "bad operand types" in refused.value.message
    assert refused.value.reason == "BUILD_FAILED" and "Help 1" not in refused.value.message


def test_what_differs_between_machines_is_refused(edited: Edit) -> None:
    head = "    private void checkOwner() {"
    code = 'new Thread(() -> { }).start(); require(Math.random() > 0, "no");'
    with pytest.raises(InvalidInput) as refused:
        build_java(edited(head, head + code))
    place = f"token/Token.java:{find_line(head)}: there is neither randomness nor a thread"
    assert refused.value.message.count(place) == 2
    assert "java.lang.Thread.start()V" in refused.value.message
    assert "java.lang.Math.random()D" in refused.value.message


def test_a_module_that_is_too_large_is_refused(edited: Edit) -> None:
    head = "    private void checkOwner() {"
    code = 'require(!String.format("%05d-%s", 12, name).isEmpty(), "no");'
    with pytest.raises(InvalidInput, match="60000 are allowed"):
        build_java(edited(head, head + code))


def test_a_project_without_a_contract_is_refused(edited: Edit) -> None:
    with pytest.raises(InvalidInput, match="no class here is marked @Contract"):
        build_java(edited("@Contract", ""))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (BODY % "private long x;", "neither private nor final"),
        (BODY % "final long x = 1;", "neither private nor final"),
        (BODY % "static long x;", "a static variable is gone after the call"),
        (BODY % "Map<String, Long> x;", "the type java.util.Map"),
        (BODY % "double x;", "the type double"),
        (BODY % "long[] x;", "the type long[]"),
        (BODY % "List x;", "the type java.util.List"),
        (BODY % "List<GlobalMap<Long, Long>> x;", "a GlobalMap can only be a field"),
        (BODY % "GlobalMap<Long, GlobalMap<Long, GlobalMap<Long, Long>>> x;", "maps nest once"),
        (BODY % "GlobalMap x;", "write the types"),
        (BODY % "record R(List<R> all) { } R x;", "the record R contains itself"),
        (BODY % "record R(double all) { } R x;", "the type double"),
        (BODY % "@Event record R(double all) { }", "the type double"),
        (BODY % "private record R(long a) { } R x;", "a record of a contract is not private"),
        (BODY % "@Public void g(double x) { }", "the type double"),
        (BODY % "@Public void f(long x) { }", "the name f is taken"),
        (BODY % "@Public void init() { }", "the name init is taken"),
        (BODY % '@Public("memory") void g() { }', "the name memory is taken"),
        (BODY % '@Public("no name") void g() { }', "a name is letters, digits and _"),
        (BODY % "@Public static void g() { }", "neither static nor private"),
        (BODY % "@Public private void g() { }", "neither static nor private"),
        (BODY % "@Public void g(long... x) { }", "plain parameters"),
        (BODY % "@Public <T> void g(List<T> x) { }", "plain parameters"),
        (BODY % "@Payable void g() { }", "@Payable needs @Public"),
        (BODY % "@View @Payable void g() { }", "a view takes no value"),
        (BODY % "@Event static class E { }", "an event is a record"),
        (BODY % "C() { } C(long x) { }", "one constructor"),
        ("@Contract public class C { }", "nobody can call this contract"),
        ("@Contract public abstract class C { @Public void f() { } }", "a class of its own"),
        ("@Contract public class C<T> { @Public void f() { } }", "no type parameters"),
        ("@Contract public class C extends Random { @Public void f() { } }", "extends nothing"),
        (BODY % "" + BODY.replace("public class C", "class D") % "", "a project has one contract"),
        (BODY % "" + "@External abstract class E { }", "@External marks an interface"),
    ],
)
def test_a_class_that_is_no_contract_is_refused(
    tmp_path: Path, java_token: tuple[bytes, bytes], source: str, said: str
) -> None:
    (tmp_path / "C.java").write_text(HEAD + source)
    jars = [
        *PACKAGES.glob("quorate/quorate-contract/*/*.jar"),
        *PACKAGES.glob("quorate/quorate-contract-processor/*/*.jar"),
        *PACKAGES.glob("org/teavm/teavm-interop/0.15.0/*.jar"),
    ]
    if len(jars) != 3:
        pytest.skip(f"Maven's packages are not in {PACKAGES}")
    done = subprocess.run(
        ["javac", "-d", tmp_path, "-cp", ":".join(map(str, jars)), tmp_path / "C.java"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert "C.java:2: error: " in done.stderr and said in done.stderr, done.stderr
