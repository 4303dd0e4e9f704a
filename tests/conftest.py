"""What all tests share."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from tests import corpus
from tests.tools import need

# Where tests run in the background, a shell has them ignore Ctrl-C, and so would every program that they try.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that does other work at the same time makes single examples slow; that is no fault.
# Few examples, since every run tries others: what is rare is looked for by `python -m fuzz`, which never ends.
settings.register_profile("default", deadline=None, max_examples=60)
settings.load_profile("default")


@pytest.fixture(scope="session")
def corpus_home() -> Path:
    """The cargo home that holds the corpus, fetched once and kept from run to run."""
    return corpus.fetch()


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the test's own, where the machine has one at hand."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 kB, where disks can be mounted."""
    disk = tmp_path / "small"
    disk.mkdir()
    mounted = subprocess.run(
        [need("mount"), "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no right to mount a disk: {mounted.stderr.strip()}")
    yield disk
    subprocess.run([need("umount"), disk], check=True)
