"""Input made to harm whoever reads it: 10 MiB of anything take 3 s, and 128 MiB more than a sound crate, at most."""

import json
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.crates import crate, gzip_member, long_name_entry, pax_entry, tar_entry
from tests.protocol.manifest.test_hostile import HEAD as MANIFEST
from tests.protocol.manifest.test_hostile import LARGE
from tests.registry.site.costly import LONG

MIB = 1 << 20
PACKED = 10 * MIB
TOP = "foo-1.0.0"
HEAD = b"\x1f\x8b\x08\0" + bytes(4) + b"\x02\xff"

READ = """
import json, os, resource, sys, time
from pathlib import Path
from cargo_static_index.crate.policy import Policy
from cargo_static_index.crate.check import check_crate
from cargo_static_index.site.readme.markdown import render_readme
from cargo_static_index.site.readme.text import ReadmeSource

def read(path):
    if path.endswith(".md"):
        text = Path(path).read_text()
        rendered = render_readme(ReadmeSource(text=text, path=path, repository="https://github.com/o/r"))
        assert rendered.plain or len(rendered.html) < 40 * len(text) + 1000
        return []
    with open(path, "rb") as file:
        return sorted({each.rule for each in check_crate(file, Policy()).problems})

def used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

sound, *hostile = sys.argv[1:]
assert read(sound) == read(sound.removesuffix(".crate") + ".md") == []
for path in hostile:
    if os.fork() == 0:
        before, began = used(), time.process_time()
        rules = read(path)
        seconds, memory = time.process_time() - began, used() - before
        print(json.dumps({"memory": memory, "seconds": seconds, "rules": rules}), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, path
"""


def repeated(content: bytes, before: bytes = b"") -> bytes:
    """Give a gzip member without end that repeats the same content until it has its packed size."""
    deflater = zlib.compressobj(9, wbits=-15)
    start = deflater.compress(before) + deflater.flush(zlib.Z_FULL_FLUSH)
    again = deflater.compress(content) + deflater.flush(zlib.Z_FULL_FLUSH)
    return HEAD + start + again * (PACKED // len(again))


def tiny_entries(number: int) -> bytes:
    return b"".join(tar_entry(f"{TOP}/{each:05}") for each in range(number))


ARCHIVES: Mapping[str, Callable[[], bytes]] = {
    "a bomb of zeros": lambda: repeated(bytes(MIB)),
    "a bomb behind a sound crate": lambda: repeated(bytes(MIB), crate().tar()),
    "a file of zeros": lambda: repeated(
        bytes(MIB), tar_entry(f"{TOP}/a", size=b"\x80" + (1 << 40).to_bytes(11, "big"))
    ),
    "chained members": lambda: gzip_member(bytes(10)) * (PACKED // len(gzip_member(bytes(10)))),
    "a member in a member": lambda: gzip_member(gzip_member(gzip_member(bytes(MIB)))),
    "a million tiny entries": lambda: repeated(tiny_entries(1000)),
    "entries of 8 EiB": lambda: gzip_member(tar_entry(f"{TOP}/a", size=b"\x80\0\0\0\x7f" + b"\xff" * 7) + bytes(MIB)),
    "a PAX record of gigabytes": lambda: repeated(b"x" * MIB, tar_entry("x", kind=b"x", size=b"77777777777\0")),
    "a long name of gigabytes": lambda: repeated(b"x" * MIB, tar_entry("x", kind=b"L", size=b"77777777777\0")),
    "a million PAX records": lambda: repeated(pax_entry(b"".join(b"9 a=bcd\n" for _ in range(10_000)))),
    "a million long names": lambda: repeated(long_name_entry(f"{TOP}/{'a' * 900}") * 100),
    "blocks that say nothing": lambda: HEAD + b"\0\0\0\xff\xff" * (PACKED // 5),
    "a header without end": lambda: b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * PACKED,
}

MANIFESTS = {
    title: lambda text=text: crate().manifest(MANIFEST + text).compressed(9).build() for title, text in LARGE.items()
}
READMES = {title: text.encode for title, text in LONG.items()}


def test_no_input_costs_more_time_or_memory_than_is_allowed(tmp_path: Path) -> None:
    sound = crate().write(tmp_path)
    sound.with_suffix(".md").write_text("# A")
    paths: dict[str, Path] = {}
    for kind, made, suffix in (
        ("archive", ARCHIVES, "crate"), ("manifest", MANIFESTS, "crate"), ("README", READMES, "md"),
    ):  # fmt: skip
        for title, make in made.items():
            path = paths[f"{kind}: {title}"] = tmp_path / f"{len(paths)}.{suffix}"
            path.write_bytes(make())
            assert path.stat().st_size <= PACKED * 1.01
    done = subprocess.run(
        [sys.executable, "-c", READ, sound, *paths.values()], capture_output=True, text=True, check=True
    )
    found = dict(zip(paths, map(json.loads, done.stdout.splitlines()), strict=True))
    assert [title for title, read in found.items() if title.startswith("archive") and not read["rules"]] == []
    assert {title: read for title, read in found.items() if read["memory"] > 128 * MIB} == {}
    assert {title: read for title, read in found.items() if read["seconds"] > 3} == {}
