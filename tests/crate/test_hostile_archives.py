"""Archives made to harm whoever reads them: 10 MiB of anything is read in 3 s, in 128 MiB more than a small crate."""

import json
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.crates import crate, gzip_member, long_name_entry, pax_entry, tar_entry

MIB = 1 << 20
PACKED = 10 * MIB
TOP = "foo-1.0.0"
HEAD = b"\x1f\x8b\x08\0" + bytes(4) + b"\x02\xff"

READ = """
import json, resource, sys, time
from pathlib import Path
from cargo_static_index.crate.check import Policy, check_crate
used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
for path in sys.argv[1:]:
    before, began = used(), time.process_time()
    with open(path, "rb") as file:
        checked = check_crate(file, Policy())
    rules = sorted({each.rule for each in checked.problems})
    print(json.dumps({"memory": used() - before, "seconds": time.process_time() - began, "rules": rules}))
"""


def repeated(content: bytes, before: bytes = b"") -> bytes:
    """Give a gzip member without end that repeats the same content until it has its packed size."""
    deflater = zlib.compressobj(9, wbits=-15)
    start = deflater.compress(before) + deflater.flush(zlib.Z_FULL_FLUSH)
    again = deflater.compress(content) + deflater.flush(zlib.Z_FULL_FLUSH)
    return HEAD + start + again * (PACKED // len(again))


def tiny_entries(number: int) -> bytes:
    return b"".join(tar_entry(f"{TOP}/{each:05}") for each in range(number))


HOSTILE: Mapping[str, Callable[[], bytes]] = {
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


def test_no_archive_costs_more_time_or_memory_than_is_allowed(tmp_path: Path) -> None:
    paths = [crate().write(tmp_path)]
    for number, make in enumerate(HOSTILE.values()):
        paths.append(tmp_path / f"{number}.crate")
        paths[-1].write_bytes(make())
    found = {}
    for title, path in zip(HOSTILE, paths[1:], strict=True):
        done = subprocess.run([sys.executable, "-c", READ, paths[0], path], capture_output=True, text=True, check=True)
        sound, read = map(json.loads, done.stdout.splitlines())
        assert sound["rules"] == []
        found[title] = read
        assert read["rules"], title
        assert path.stat().st_size <= PACKED * 1.01
    assert {title: read for title, read in found.items() if read["memory"] > 128 * MIB} == {}
    assert {title: read for title, read in found.items() if read["seconds"] > 3} == {}
