"""docs/spec/package-lock.json says what is installed and from nowhere in particular."""

import json

from tests.spec.quint import SPEC

LOCK = json.loads((SPEC / "package-lock.json").read_text(encoding="utf-8"))
PACKAGES = {name: each for name, each in LOCK["packages"].items() if name}


def test_lock_holds_names_versions_and_hashes() -> None:
    assert len(PACKAGES) > 50
    bare = [n for n, p in PACKAGES.items() if not p["integrity"].startswith("sha512-")]
    assert bare == []
    assert [name for name, each in PACKAGES.items() if "resolved" in each] == []


def test_lock_is_of_the_package_file() -> None:
    package = json.loads((SPEC / "package.json").read_text(encoding="utf-8"))
    assert LOCK["packages"][""]["devDependencies"] == package["devDependencies"]
    for name, version in {**package["devDependencies"], **package["overrides"]}.items():
        assert PACKAGES[f"node_modules/{name}"]["version"] == version
