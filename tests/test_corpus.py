"""Our lines against those that crates.io wrote for the same archives, and cargo's index cache, which holds them."""

import json
import re
import tarfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from cargo_static_index.crate.check import CheckedCrate, check_crate
from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.crate.policy import Policy
from cargo_static_index.protocol.index_entry import format_entry
from cargo_static_index.protocol.manifest.manifest import entry_of
from cargo_static_index.protocol.registries import Home
from cargo_static_index.protocol.semver import parse_requirement
from tests import corpus

MIRROR = Policy(home=Home(mode="mirror"))

Line = dict[str, Any]


class Compared(Struct, frozen=True, kw_only=True):
    """One real release: crates.io's line, what we read of the archive, and the line we make of it where we can."""

    title: str
    path: Path
    theirs: bytes
    reading: CheckedCrate
    ours: bytes | None


@pytest.fixture(scope="module")
def releases(corpus_home: Path) -> list[Compared]:
    lines = corpus.index_lines(corpus_home)
    return [
        _compare(f"{each.name} {each.version}", path, lines[each.name.lower(), each.version])
        for each, path in corpus.crates(corpus_home).items()
    ]


def _compare(title: str, path: Path, theirs: bytes) -> Compared:
    with path.open("rb") as stream:
        reading = check_crate(stream, MIRROR, path.name)
    metadata = reading.metadata
    ours = None
    if metadata is not None:
        ours = format_entry(entry_of(metadata.manifest, cksum=metadata.cksum, home=MIRROR.home))
    return Compared(title=title, path=path, theirs=theirs, reading=reading, ours=ours)


def _without_state(line: bytes) -> Line:
    """Read a line, keys in its order, without the two that no archive can say."""
    read: Line = json.loads(line)
    return {key: value for key, value in read.items() if key not in {"yanked", "pubtime"}}


def _compact(line: Line) -> str:
    """Write a line as crates.io does; a registry proxy on the way may have put blanks between its tokens."""
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


# --- the classes of differences, each with what shows that both lines mean the same to cargo


def _with_each(line: Line, key: str, read: Callable[[str], str]) -> Line:
    deps = [{**dep, key: dep[key] and read(dep[key])} for dep in line["deps"]]
    return {**line, "deps": deps}


def _requirements_read(line: Line) -> Line:
    """Requirements as the `semver` crate reads and prints them: older crates.io code kept the author's blanks."""
    return _with_each(line, "req", lambda text: parse_requirement(text).format())


def _carets_read(line: Line) -> Line:
    """`1.*` written as `^1`, which allows the same versions: older crates.io code read `^1.*` as the former."""
    return _with_each(_requirements_read(line), "req", lambda text: re.sub(r"^([0-9]+)\.\*$", r"^\1", text))


def _targets_read(line: Line) -> Line:
    """Targets without the blanks around `=`, which cargo's parser of `cfg(…)` skips; strings hold no `=`."""
    return _with_each(line, "target", lambda text: re.sub(r"\s*=\s*", "=", text))


def _without_dev(line: Line) -> Line:
    """Without dev-dependencies, which cargo drops of every package from a registry, and crates.io of some lines."""
    return {**line, "deps": [dep for dep in line["deps"] if dep["kind"] != "dev"]}


DIFFERENCES: dict[str, Callable[[Line], Line]] = {
    "blanks-in-requirement": _requirements_read,
    "caret-and-wildcard": _carets_read,
    "blanks-in-target": _targets_read,
    "no-dev-dependencies": _without_dev,
}


def _class_of(ours: Line, theirs: Line) -> str:
    """Name the class of a difference; of one that no class explains, the keys that differ."""
    for name, read in DIFFERENCES.items():
        if _compact(_sorted(read(ours))) == _compact(_sorted(read(theirs))):
            return name
    return f"NEW: {', '.join(key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)) or 'order'}"


def _sorted(line: Line) -> Line:
    """Put dependencies in an order that blanks do not change."""
    return {**line, "deps": sorted(line["deps"], key=_compact)}


@pytest.mark.corpus
def test_our_lines_are_those_of_crates_io_byte_for_byte_but_for_one_in_a_hundred(releases: list[Compared]) -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for each in releases:
        if each.ours is None:
            continue
        ours, theirs = _without_state(each.ours), _without_state(each.theirs)
        assert each.ours.decode() == _compact(json.loads(each.ours))
        if _compact(ours) != _compact(theirs):
            found[_class_of(ours, theirs)].append(
                f"{each.title}\n  ours   {_compact(ours)}\n  theirs {_compact(theirs)}"
            )
    new = {name: lines for name, lines in found.items() if name not in DIFFERENCES}
    assert not new, "\n".join(line for name, lines in new.items() for line in (name, *lines))
    assert found.keys() == DIFFERENCES.keys(), "a class without an example is not needed any more"
    assert sum(map(len, found.values())) * 100 <= len(releases), {name: len(lines) for name, lines in found.items()}


@pytest.mark.corpus
def test_no_real_crate_is_refused(releases: list[Compared]) -> None:
    counts = Counter(problem.rule for each in releases for problem in each.reading.problems)
    refused = [
        f"{each.title}: {'; '.join(f'{problem.rule}: {problem.message}' for problem in each.reading.problems)}"
        for each in releases
        if each.reading.refused
    ]
    assert not refused, "\n".join([*refused, f"all problems by rule: {dict(counts.most_common())}"])


@pytest.mark.corpus
def test_real_crates_only_earn_warnings_that_are_true_of_them(releases: list[Compared]) -> None:
    # A rule that begins to strike real crates must be looked at before it stands here.
    expected = {"path-repeated", "vcs-dirty", "wildcard-requirement"}
    seen: dict[str, list[str]] = defaultdict(list)
    for each in releases:
        for problem in each.reading.problems:
            seen[problem.rule].append(f"{each.title}: {problem.message}")
    assert seen.keys() <= expected, {rule: (len(all_), all_[:3]) for rule, all_ in seen.items() if rule not in expected}


@pytest.mark.corpus
def test_what_is_read_is_what_cargo_locked(releases: list[Compared]) -> None:
    for each in releases:
        reading = each.reading
        assert f"{reading.name} {reading.vers}" == each.title
        assert reading.cksum == json.loads(each.theirs)["cksum"]


# --- that the corpus is what it is meant to be


@pytest.mark.corpus
def test_the_corpus_is_large_and_partly_old(releases: list[Compared]) -> None:
    old = [each for each in releases if _published(each) < "2018"]
    assert len({each.title.split()[0] for each in releases}) >= 500
    assert len({each.title.split()[0] for each in old}) >= 50


def _published(release: Compared) -> str:
    when: str = json.loads(release.theirs).get("pubtime", "9999")
    return when


@pytest.mark.corpus
def test_the_corpus_has_crates_of_all_kinds(releases: list[Compared]) -> None:
    counts: Counter[str] = Counter()
    for each in releases:
        counts.update(_kinds_of_line(json.loads(each.theirs)))
        if each.reading.metadata is not None:
            counts.update(_kinds_of_facts(each.reading.metadata))
    counts["plain-string dependency"] = sum(
        _has_plain_string(each) for each in releases if _published(each) < "2016-06"
    )
    assert [kind for kind in KINDS if not counts[kind]] == [], counts


KINDS = (
    "build metadata", "build dependency", "dev dependency", "links", "mixed case", "optional", "proc macro",
    "plain-string dependency", "program", "renamed", "rust-version", "target", "triple", "dep:", "weak feature",
)  # fmt: skip


def _kinds_of_line(line: Line) -> set[str]:
    deps: list[Line] = line["deps"]
    values = [value for group in ("features", "features2") for each in line.get(group, {}).values() for value in each]
    said = {
        "build metadata": "+" in line["vers"],
        "build dependency": any(dep["kind"] == "build" for dep in deps),
        "dev dependency": any(dep["kind"] == "dev" for dep in deps),
        "links": "links" in line,
        "mixed case": line["name"] != line["name"].lower(),
        "optional": any(dep["optional"] for dep in deps),
        "renamed": any("package" in dep for dep in deps),
        "rust-version": "rust_version" in line,
        "target": any((dep["target"] or "").startswith("cfg(") for dep in deps),
        "triple": any(dep["target"] and not dep["target"].startswith("cfg(") for dep in deps),
        "dep:": any(value.startswith("dep:") for value in values),
        "weak feature": any("?/" in value for value in values),
    }
    return {kind for kind, is_so in said.items() if is_so}


def _kinds_of_facts(metadata: CrateMetadata) -> set[str]:
    manifest = metadata.manifest
    said = {"proc macro": manifest.proc_macro, "program": bool(manifest.bins)}
    return {kind for kind, is_so in said.items() if is_so}


def _has_plain_string(release: Compared) -> bool:
    """Whether the manifest says `name = "1.0"`: cargo wrote tables into archives only since 2016."""
    with tarfile.open(release.path) as archive:
        content = archive.extractfile(f"{release.title.replace(' ', '-')}/Cargo.toml")
        assert content is not None
        manifest = tomllib.loads(content.read().decode())
    return any(isinstance(value, str) for value in manifest.get("dependencies", {}).values())


# --- cargo's index cache

HEAD = b"\x03\x02\x00\x00\x00"


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (HEAD + b"Unknown\0", []),
        (HEAD + b'etag: "5f-1"\0' + b'1.0.0\0{"a":1}\0', [("1.0.0", b'{"a":1}')]),
        (HEAD + b"Unknown\0" + b"1.0.0\0{}\0" + b"1.0.1+b-2.c\0{ }\0", [("1.0.0", b"{}"), ("1.0.1+b-2.c", b"{ }")]),
    ],
)
def test_cargo_keeps_the_version_and_the_line_of_each_release(content: bytes, lines: list[tuple[str, bytes]]) -> None:
    assert corpus.parse_cache(content) == lines


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cargo's index cache has another format: it begins with b''"),
        (
            b"\x02\x02\x00\x00\x00Unknown\0",
            "cargo's index cache has another format: it begins with b'\\x02\\x02\\x00\\x00\\x00'",
        ),
        (
            b"\x03\x03\x00\x00\x00Unknown\0",
            "cargo's index cache has another format: it begins with b'\\x03\\x03\\x00\\x00\\x00'",
        ),
        (HEAD + b"Unknown", "cargo's index cache is cut short: b'\\x03\\x02\\x00\\x00\\x00Unknown'"),
        (
            HEAD + b"Unknown\0" + b"1.0.0\0{}",
            "cargo's index cache is cut short: b'\\x03\\x02\\x00\\x00\\x00Unknown\\x001.0.0\\x00{}'",
        ),
        (
            HEAD + b"Unknown\0" + b"1.0.0\0",
            "cargo's index cache is cut short: b'\\x03\\x02\\x00\\x00\\x00Unknown\\x001.0.0\\x00'",
        ),
    ],
)
def test_an_index_cache_of_another_format_is_not_guessed_at(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match="cargo's index cache") as caught:
        corpus.parse_cache(content)
    assert str(caught.value) == message


def test_a_lock_file_names_releases_and_the_package_it_was_made_for_is_none_of_them(tmp_path: Path) -> None:
    lock = tmp_path / "Cargo.lock"
    lock.write_text(
        'version = 4\n\n[[package]]\nname = "mine"\nversion = "0.1.0"\ndependencies = ["itoa"]\n\n[[package]]\n'
        'name = "itoa"\nversion = "1.0.0"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\n'
        'checksum = "00ff"\n'
    )
    assert corpus.locked(lock) == (corpus.Locked("itoa", "1.0.0", "00ff"),)
