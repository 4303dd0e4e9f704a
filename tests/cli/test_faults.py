"""`verify` as a process, with each fault that a tree can have: how it is found and said, and whether it is mended."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.rules import GROUPS, TREE
from tests.cli.program import run
from tests.crates import crate

Damage = Callable[[Path], object]
LINE = "index/3/f/foo"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tree of foo 1.0.0, foo 1.1.0 and a-b 1.0.0; bar 1.0.0 was removed."""
    folder = tmp_path_factory.mktemp("template")
    run("init", "--name", "acme", "--base-url", "https://crates.example.com/", cwd=folder).ok()
    for name, version in (("foo", "1.0.0"), ("foo", "1.1.0"), ("a-b", "1.0.0"), ("bar", "1.0.0")):
        crate(name, version).write(folder / "drop")
    run("build", cwd=folder, env={"SOURCE_DATE_EPOCH": "1767225600"}).ok()
    run("remove", "bar@1.0.0", "--yes", cwd=folder).ok()
    run("owner", "foo", "--add", "alice", cwd=folder).ok()
    return folder


@pytest.fixture
def held(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "here")


def cksum(version: str = "1.0.0") -> str:
    return crate("foo", version).cksum()


def edit(path: str, change: Callable[[bytes], bytes]) -> Damage:
    return lambda tree: (tree / path).write_bytes(change((tree / path).read_bytes()))


def put(path: str, content: bytes) -> Damage:
    def damage(tree: Path) -> None:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)

    return damage


def remove(path: str) -> Damage:
    return lambda tree: (tree / path).unlink()


def unread(tree: Path) -> None:
    garbage = b"a file that rules of today do not take"
    digest = hashlib.sha256(garbage).hexdigest()
    (tree / f"crates/foo/{digest}.crate").write_bytes(garbage)
    edit(LINE, lambda content: content.replace(cksum().encode(), digest.encode()))(tree)


def unfinished(tree: Path) -> None:
    stone = {"vers": "1.0.0", "cksum": cksum(), "pubtime": "2026-01-01T00:00:00Z"}
    put("crates/foo/removed.json", json.dumps({"schema": 1, "name": "foo", "removed": [stone]}).encode())(tree)


def collide(tree: Path) -> None:
    line = (tree / "index/3/a/a-b").read_bytes()
    put("index/3/a/a_b", line.replace(b'"a-b"', b'"a_b"'))(tree)


def without_addresses(tree: Path) -> None:
    edit("tree.json", lambda content: content.rstrip()[:-1].rstrip() + b',\n  "version_addresses": true\n}\n')(tree)


def with_a_wrong_address(tree: Path) -> None:
    without_addresses(tree)
    put("crates/foo/1.0.0/download", b"another")(tree)


FAULTS: dict[str, Damage] = {
    "address-missing": without_addresses,
    "address-unnamed": put("crates/foo/1.0.0/download", b""),
    "address-wrong": with_a_wrong_address,
    "archive-damaged": edit(f"crates/foo/{cksum()}.crate", lambda content: content[:-1] + b"?"),
    "archive-missing": remove(f"crates/foo/{cksum()}.crate"),
    "archive-unread": unread,
    "config-wrong": remove("index/config.json"),
    "metadata-missing": remove(f"crates/foo/{cksum()}.json"),
    "metadata-wrong": edit(f"crates/foo/{cksum()}.json", lambda said: said.replace(b"The crate foo", b"The other")),
    "file-stray": put("index/fo/o/foo", b""),
    "file-unnamed": put(f"crates/foo/{'0' * 64}.crate", b""),
    "kept-wrong": put(f"kept/20270101T000000.000000Z-{'0' * 32}.json", b"{}"),
    "line-differs": edit(LINE, lambda content: content.replace(b'"features":{}', b'"features":{"x":[]}')),
    "line-misplaced": edit(LINE, lambda content: content + content.replace(b'"foo"', b'"bar"')),
    "line-unreadable": edit(LINE, lambda content: b"{}\n" + content),
    "line-wrong": edit(LINE, lambda content: content.replace(b'"vers":"1.0.0"', b'"vers":"1.0.5"')),
    "lines-lost": edit(LINE, lambda content: content.splitlines(keepends=True)[0]),
    "lines-unordered": edit(LINE, lambda content: b"".join(reversed(content.splitlines(keepends=True)))),
    "crates-collide": collide,
    "owners-wrong": remove("crates/foo/owners.json"),
    "page-missing": remove("crates/foo/1.0.0/index.html"),
    "page-wrong": edit("browse/names.json", lambda content: content.replace(b'"foo":{', b'"fox":{')),
    "pages-outdated": edit("pages.json", lambda content: content.replace(b'"digest":"', b'"digest":"0')),
    "record-wrong": edit("tree.json", lambda content: content.replace(b'"releases": 3', b'"releases": 4')),
    "removal-unfinished": unfinished,
    "tombstones-lost": remove("crates/bar/removed.json"),
    "tombstones-unreadable": put("crates/bar/removed.json", b"{}"),
    "version-duplicate": edit(LINE, lambda content: content + content.splitlines(keepends=True)[0]),
}
KNOWN = {rule.id: rule for rule in GROUPS[TREE]}
WARNINGS = {each.id for each in KNOWN.values() if each.severity == "warning"}
MENDED = {each.id for each in KNOWN.values() if each.mended}
BESIDE: dict[str, set[str]] = {
    "address-wrong": {"address-missing"},
    "tombstones-unreadable": {"tombstones-lost"},
    "archive-unread": {"record-wrong", "file-unnamed", "metadata-missing", "page-wrong"},
    "line-misplaced": {"record-wrong", "version-duplicate", "lines-unordered"},
    "crates-collide": {"record-wrong", "archive-missing", "metadata-missing"},
    "version-duplicate": {"record-wrong", "lines-unordered"},
}
"""What else is wrong where a fault is, beside what an index file that somebody changed shows."""
CHANGED_INDEX = {"record-wrong", "lines-lost", "page-wrong"}
NOT_SEEN_QUICKLY: set[str] = {"archive-damaged", "archive-unread", "metadata-wrong", "line-differs", "line-wrong"}


def found(folder: Path, *arguments: str) -> dict[str, bool]:
    """Give the rules of what was found, and whether all of that kind was mended."""
    rules: dict[str, bool] = {}
    for each in run("verify", "--json", *arguments, cwd=folder).document()["findings"]:
        rules[each["rule"]] = rules.get(each["rule"], True) and each["fixed"]
    return rules


def test_every_fault_is_here() -> None:
    assert set(FAULTS) == set(KNOWN)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_said(held: Path, fault: str) -> None:
    FAULTS[fault](held / "public")
    ended = run("verify", cwd=held)
    level = "warning" if fault in WARNINGS else "error"
    assert f"{level}[{fault}]: " in ended.out
    assert "   = help: " in ended.out
    # For other warnings too: a line that anybody edited shows in the sum of tree.json.
    assert ended.code == (0 if fault == "pages-outdated" else 1)
    assert found(held).keys() - {fault} <= BESIDE.get(fault, set()) | CHANGED_INDEX


@pytest.mark.parametrize("fault", ["metadata-missing", "crates-collide"])
def test_code_hosts_are_told_what_a_fault_is(held: Path, fault: str) -> None:
    FAULTS[fault](held / "public")
    (made,) = json.loads(run("verify", "--output-format", "sarif", cwd=held).out)["runs"]
    said = {rule["id"]: (rule["shortDescription"], rule["help"]) for rule in made["tool"]["driver"]["rules"]}
    assert said[fault] == ({"text": KNOWN[fault].says}, {"text": KNOWN[fault].way_out})


@pytest.mark.parametrize("fault", FAULTS)
def test_a_quick_look_finds_all_but_what_only_reading_shows(held: Path, fault: str) -> None:
    FAULTS[fault](held / "public")
    assert (fault in found(held, "--quick")) is (fault not in NOT_SEEN_QUICKLY)


@pytest.mark.parametrize("fault", FAULTS)
def test_fix_mends_what_changes_no_release_and_a_dry_run_says_so(held: Path, fault: str) -> None:
    before = (held / "public" / LINE).read_bytes()
    FAULTS[fault](held / "public")
    damaged = {path: path.read_bytes() for path in (held / "public").rglob("*") if path.is_file()}
    planned = found(held, "--fix", "--dry-run")
    assert damaged == {path: path.read_bytes() for path in (held / "public").rglob("*") if path.is_file()}
    assert planned[fault] is (fault in MENDED)
    assert found(held, "--fix")[fault] is (fault in MENDED)
    if fault in MENDED:
        assert found(held) == {}
    if fault in MENDED - {"removal-unfinished"}:
        assert (held / "public" / LINE).read_bytes() == before
