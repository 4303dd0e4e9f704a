"""What cargo makes of an archive, from the very crates with which cargo unpacks it: many archives in one process."""

import os
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.cargo.source import cargo_lock, lock_versions
from tests.tools import build_program, unprivileged

TOP = "foo-1.0.0"
"""The one directory that the archives may have."""

HERE = Path(__file__).with_name("archive_oracle")
JUDGES = ("flate2", "tar", "zlib-rs")
"""The crates that decide what cargo can unpack."""

Files = dict[str, tuple[int, int]]
"""What was unpacked: path below the package's directory to size and CRC-32."""
Verdict = Files | str
"""The files, or why cargo refuses the archive."""


class ArchiveOracle:
    """The program `archive_oracle`, built below `target`."""

    def __init__(self, target: Path) -> None:
        self._program = build_program(HERE / "Cargo.toml", target)

    def judge(self, archives: Iterable[bytes]) -> list[Verdict]:
        """Give what cargo makes of each archive; it runs as a user whom modes bind."""
        framed = b"".join(struct.pack("<I", len(each)) + each for each in archives)
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            command: list[str | Path] = [*unprivileged(), self._program, folder, TOP]
            done = subprocess.run(command, input=framed, capture_output=True, check=True)
        return [_verdict(line) for line in done.stdout.decode().split("\n")[:-1]]


def _verdict(line: str) -> Verdict:
    word, _, rest = line.partition(" ")
    return dict(map(_file, rest.split())) if word == "ok" else rest


def _file(text: str) -> tuple[str, tuple[int, int]]:
    path, size, crc = text.split(":")
    return bytes.fromhex(path).decode(errors="surrogateescape"), (int(size), int(crc))


def oracle_versions() -> dict[str, str]:
    """Give the versions with which the oracle is built."""
    return _judges(lock_versions((HERE / "Cargo.lock").read_text()))


def cargo_versions() -> tuple[str, dict[str, str]]:
    """Give the version of the cargo that is installed, and those of the same crates in its lock file."""
    cargo, locked = cargo_lock()
    return cargo, _judges(locked)


def _judges(locked: dict[str, str]) -> dict[str, str]:
    return {name: locked[name] for name in JUDGES}
