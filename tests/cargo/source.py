"""What the cargo that is installed was made of: its lock file, and files of the crates in it, from crates.io."""

import io
import re
import subprocess
import tarfile
import tomllib
from functools import lru_cache
from urllib.request import urlopen

from tests.tools import need


def cargo_lock() -> tuple[str, dict[str, str]]:
    """Give the version of the cargo that is installed, and those in its lock file, by name."""
    said = subprocess.run([need("cargo"), "--version"], capture_output=True, text=True, check=True).stdout
    release = re.match(r"cargo 1\.(\d+)\.(\d+)", said)
    if release is None:
        raise RuntimeError(f"not a release of cargo: {said}")
    lock = crate_file("cargo", f"0.{int(release[1]) + 1}.{release[2]}", "Cargo.lock")
    return said.split()[1], lock_versions(lock.decode())


def lock_versions(lock: str) -> dict[str, str]:
    """Give the versions that a lock file names, by crate; of a crate with several the last."""
    return {each["name"]: each["version"] for each in tomllib.loads(lock)["package"]}


@lru_cache
def crate_file(name: str, version: str, path: str) -> bytes:
    """Give a file of a crate on crates.io."""
    with urlopen(f"https://static.crates.io/crates/{name}/{name}-{version}.crate", timeout=60) as response:
        archive = response.read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        file = files.extractfile(f"{name}-{version}/{path}")
        if file is None:
            raise RuntimeError(f"{name} {version} has no {path}")
        return file.read()
