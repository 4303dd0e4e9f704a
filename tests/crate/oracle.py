"""What cargo makes of an archive, from the very crates with which cargo unpacks it: many archives in one process."""

import io
import os
import re
import struct
import subprocess
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from urllib.request import urlopen

from tests.tools import build_program, need, unprivileged

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
    return _versions((HERE / "Cargo.lock").read_text())


def cargo_versions() -> tuple[str, dict[str, str]]:
    """Give the version of the cargo that is installed, and those in its lock file, which crates.io has."""
    said = subprocess.run([need("cargo"), "--version"], capture_output=True, text=True, check=True).stdout
    release = re.match(r"cargo 1\.(\d+)\.(\d+)", said)
    if release is None:
        raise RuntimeError(f"not a release of cargo: {said}")
    version = f"0.{int(release[1]) + 1}.{release[2]}"
    with urlopen(f"https://static.crates.io/crates/cargo/cargo-{version}.crate", timeout=60) as response:
        archive = response.read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        lock = files.extractfile(f"cargo-{version}/Cargo.lock")
        if lock is None:
            raise RuntimeError(f"cargo {version} has no lock file")
        return said.split()[1], _versions(lock.read().decode())


def _versions(lock: str) -> dict[str, str]:
    packages = tomllib.loads(lock)["package"]
    return {each["name"]: each["version"] for each in packages if each["name"] in JUDGES}
