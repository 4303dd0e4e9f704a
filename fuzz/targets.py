"""What is fuzzed: each target takes bytes, and may only return; anything raised but an error of our own is a find."""

import io
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from msgspec.structs import replace

from cargo_static_index.crate.check import check_crate
from cargo_static_index.crate.policy import Policy
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.protocol.index_entry import format_entry, parse_entry, parse_needed
from cargo_static_index.protocol.index_file import parse_index, parse_line
from cargo_static_index.protocol.manifest.manifest import entry_of, read_manifest
from cargo_static_index.protocol.platform import parse_target
from cargo_static_index.protocol.registries import Home
from cargo_static_index.protocol.semver import parse_requirement, parse_rust_version, parse_version
from cargo_static_index.protocol.spdx import parse_license
from cargo_static_index.registry.upstream import parse_upstream
from cargo_static_index.site.readme.markdown import render_readme
from cargo_static_index.site.readme.text import ReadmeSource
from tests.cargo.test_archives_against_cargo import ACCEPTED
from tests.crates import crate, gzip_member
from tests.hostile import HOSTILE
from tests.protocol.manifest.test_checks import HEAD, REFUSED, TAKEN

HOME = Home()
POLICY = Policy(home=HOME)


def packed_archive(content: bytes) -> bytes:
    """Give the archive that an input means: of half of them it is the tar, as few changes of a packed one reach it."""
    return content[1:] if content[:1] == b"\x1f" else gzip_member(content)


def read_archive(content: bytes) -> None:
    """Read an archive."""
    checked = check_crate(io.BytesIO(packed_archive(content)), POLICY)
    assert checked.problems or not checked.refused


def map_manifest(content: bytes) -> None:
    """Read a Cargo.toml; if it is good, its line must be one that is read as what it says."""
    limits = {"max_dependencies": 500, "max_features": 5000, "max_entries": 500, "max_text": 16_384}
    manifest, problems = read_manifest(content, {"src/lib.rs", "src/main.rs", "build.rs"}, **limits)
    if manifest is not None and not problems:
        with suppress(InvalidInput):  # an index URL may be none
            entry = entry_of(manifest, cksum="0" * 64, home=HOME)
            assert parse_entry(format_entry(entry)) == entry


def read_lines(content: bytes) -> None:
    """Read an index file and each of its lines; what is read is what is written again."""
    assert parse_index(content) == parse_index(content)
    for line in content.split(b"\n"):
        parse_needed(line)
        with suppress(InvalidInput):
            entry = parse_entry(line)
            assert parse_entry(format_entry(entry)) == entry


def read_upstream(content: bytes) -> None:
    """Read crates.io's lines as cargo has them; a release with the time and the yank of one has a good line."""
    own = parse_entry(next(seeds("index")))
    for line in parse_upstream(content).releases:
        assert parse_line(line.raw) == line
        dated = replace(own, pubtime=line.pubtime, yanked=line.yanked)
        assert parse_entry(format_entry(dated)) == dated


def read_requirements(content: bytes) -> None:
    """Read versions, requirements and licence expressions."""
    text = content.decode(errors="replace")
    for parse in (parse_version, parse_requirement, parse_rust_version, parse_license):
        with suppress(InvalidInput):
            parsed = parse(text)
            assert not hasattr(parsed, "format") or parse(parsed.format()) == parsed


def read_targets(content: bytes) -> None:
    """Read a target: a triple or a cfg expression."""
    with suppress(InvalidInput):
        text = content.decode(errors="replace")
        assert parse_target(text) == text


def render_markdown(content: bytes) -> None:
    """Render a README; nothing of it may run in a browser."""
    text = content.decode(errors="replace")
    html = render_readme(ReadmeSource(text=text, path="README.md")).html
    assert "<script" not in html.lower()


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "archive": read_archive,
    "manifest": map_manifest,
    "index": read_lines,
    "upstream": read_upstream,
    "requirement": read_requirements,
    "cfg": read_targets,
    "readme": render_markdown,
}


def damaged(target: str, count: int) -> Iterator[bytes]:
    """Give inputs that chance has made of those that a target begins with, the same in every run."""
    chance, kept = random.Random(target), list(seeds(target))  # noqa: S311 - it is to be the same in every run
    for _ in range(count):
        content = bytearray(chance.choice(kept))
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        yield bytes(content)


def seeds(target: str) -> Iterator[bytes]:
    """Give the inputs that a target begins with."""
    if target == "archive":
        for entries in ACCEPTED.values():
            builder = crate()
            for entry in entries("foo-1.0.0"):
                builder.entry(entry)
            yield builder.tar()
        yield b"\x1f" + crate().compressed().build()
    elif target == "manifest":
        yield from (f"{HEAD}{text}\n".encode() for text, *_ in (*TAKEN, *REFUSED))
    elif target == "index":
        yield b'{"name":"a","vers":"1.0.0","deps":[],"cksum":"%s","features":{},"yanked":false}\n' % (b"0" * 64)
        yield (
            b'{"name":"a","vers":"1.0.0","deps":[{"name":"b","req":"^1","features":["x"],"optional":true,'
            b'"default_features":true,"target":"cfg(unix)","kind":"build","package":"c"}],"cksum":"x","features2":{}}'
        )
    elif target == "upstream":
        line = b'{"name":"a","vers":"%s","deps":[],"cksum":"%s","features":{},"yanked":true,"pubtime":"%s"}'
        lines = [line % (vers, b"0" * 64, b"2024-01-01T00:00:00Z") for vers in (b"1.0.0", b"1.0.1-a+b")]
        yield b"\n".join([*lines, b""])
        yield b"\x03\2\0\0\0etag: x\0" + b"".join(b"1.0.0\0%s\0" % line for line in lines)
    elif target == "requirement":
        yield from (b"1.2.3-a.1+b", b">=1, <2", b"^0.1.*", b"*", b"1.70", b"MIT OR (Apache-2.0 WITH LLVM-exception)")
    elif target == "cfg":
        yield from (b"x86_64-unknown-linux-gnu", b'cfg(all(unix, not(any(a = "b", r#c,))))')
    else:
        yield from (text.encode() for text in HOSTILE.values())
        yield b"# a\n\n[b]: c\n\n* [ ] d\n\n| e | f |\n|---|---|\n\n```rust\nfn g() {}\n```\n\n[^1]\n\n[^1]: h\n"
