"""Other users of the machine, by their real numbers: only root can be them, and CI is root."""

import codecs
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.program import SPOKEN, Ended, environment

ALICE, BOB = 1, 2
"""Two users whom every Debian has (daemon, bin), each in a group of its own with the same number."""
SHARED = 4
"""A group that is nobody's own (adm)."""

as_root = pytest.mark.skipif(os.geteuid() != 0 and not os.environ.get("CI"), reason="only root can be other users")

# Modules are loaded before, since the interpreter may lie where other users may not read.
_AS_USER = """
import codecs, importlib, os, pkgutil, sys
for codec in ("ascii", "latin-1", "utf-8-sig", "idna"):
    codecs.lookup(codec)
import cargo_static_index
for module in pkgutil.walk_packages(cargo_static_index.__path__, "cargo_static_index."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ImportError:  # an extra that is not installed
            pass
import _strptime, difflib, encodings.idna, importlib.readers, shutil, tempfile, traceback
from cargo_static_index.cli.app import run_program
from cargo_static_index.cli.terminal import prepare_streams
user, groups, *arguments = sys.argv[1:]
os.setgroups([int(group) for group in groups.split(",")])
os.setgid(int(user))
os.setuid(int(user))
os.umask(0o022)
prepare_streams()
sys.exit(run_program(arguments))
"""


# All mounts are this process's own; the folder given first stays as it is.
_READ_ONLY = """
mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro / && cd "$0" && exec "$@"
"""


def run_as(
    user: int,
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    groups: Sequence[int] = (),
    writable: Path | None = None,
) -> Ended:
    """Run the program as another user; where a folder is `writable`, nothing else of the root file system is."""
    contained: list[str | Path] = ["unshare", "--mount", "sh", "-c", _READ_ONLY, writable] if writable else []
    as_user = [sys.executable, "-c", _AS_USER, str(user), ",".join(map(str, (user, *groups)))]
    done = subprocess.run(
        [*contained, *as_user, *map(str, arguments)],
        cwd=cwd,
        env=environment({"HOME": str(cwd), **(env or {})}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert SPOKEN not in done.stdout + done.stderr, done.stderr
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


@contextmanager
def being(user: int, *groups: int) -> Iterator[None]:
    """Be another user for a while, in this very process."""
    for codec in ("ascii", "utf-8-sig"):  # which the other user may not load
        codecs.lookup(codec)
    before = os.getgroups()
    os.setgroups([user, *groups])
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


@pytest.fixture
def everybody() -> Iterator[Path]:
    """A folder that every user can reach, and write to as to /tmp; pytest's own are private."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o1777)
        yield Path(folder)


def give(path: Path, user: int, mode: int, group: int | None = None) -> Path:
    """Give a file or folder to a user."""
    os.chown(path, user, user if group is None else group)
    path.chmod(mode)
    return path
