"""What only the kernel can do to a watched folder: mounts, limits, a full disk. Each in namespaces of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import need

ROOT = Path(__file__).parents[3]

PRELUDE = """
import os, subprocess, sys, time
from pathlib import Path
from tests.crates import crate
from tests.registry.watch.running import running
from tests.world import World

def sh(*command):
    subprocess.run(command, check=True)

world = World(Path(sys.argv[1]), {"registry.pages": "false"})
"""


def in_a_namespace(folder: Path, code: str) -> None:
    """Run Python as the root of a namespace, which may mount, and set limits, for itself alone."""
    namespaces = (need("unshare"), "--user", "--map-root-user", "--mount")
    allowed = subprocess.run([*namespaces, "true"], capture_output=True, text=True, check=False)
    if allowed.returncode:
        pytest.skip(f"no namespaces of one's own here: {allowed.stderr.strip()}")  # containers may forbid them
    done = subprocess.run(
        [*namespaces, sys.executable, "-c", PRELUDE + code, folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_folder_that_is_unmounted_and_mounted_again_is_watched_again(tmp_path: Path) -> None:
    in_a_namespace(
        tmp_path,
        """
sh("mount", "-t", "tmpfs", "none", world.drop)
with running(world) as it:
    assert it.health.mode == "events"
    world.put(crate("foo"))
    it.until_told("published foo 1.0.0")
    sh("umount", world.drop)
    it.until_said("was replaced or mounted anew")
    sh("mount", "-t", "tmpfs", "none", world.drop)
    world.put(crate("foo", "1.1.0"))
    it.until_told("published foo 1.0.0", "published foo 1.1.0")
    world.put(crate("foo", "1.2.0"))
    it.until_told("published foo 1.0.0", "published foo 1.1.0", "published foo 1.2.0")
""",
    )


def test_a_file_that_no_event_told_of_lets_polling_take_over(tmp_path: Path) -> None:
    """inotify sees nothing of a file system that is mounted into a folder that it watches."""
    in_a_namespace(
        tmp_path,
        """
(world.drop / "sub").mkdir()
with running(world, net=0.5) as it:
    time.sleep(1.2)
    assert it.health.mode == "events"
    sh("mount", "-t", "tmpfs", "none", world.drop / "sub")
    number = 0
    while it.health.mode == "events":
        world.put(crate("foo", f"1.{number}.0"), folder="sub")
        number += 1
        it.until(lambda: len(it.told()) == number)
    assert it.health.why == f"{world.drop}/sub/foo-1.{number - 1}.0.crate came, and no event told of it"
    assert number < 5
""",
    )


def test_the_type_of_the_deepest_mount_is_that_of_a_folder(tmp_path: Path) -> None:
    in_a_namespace(
        tmp_path,
        """
from cargo_static_index.registry.watch.ground import file_system_under
sh("mount", "-t", "tmpfs", "none", world.drop)
assert file_system_under(world.drop) == "tmpfs"
(world.drop / "in").mkdir()
sh("mount", "-t", "ramfs", "none", world.drop / "in")
assert file_system_under(world.drop / "in" ) == "ramfs"
""",
    )


def test_the_limit_of_watchers_is_named_and_polling_takes_over(tmp_path: Path) -> None:
    in_a_namespace(
        tmp_path,
        """
Path("/proc/sys/user/max_inotify_instances").write_text("0")
with running(world, {"watch.mode": "events"}) as it:
    assert it.health.mode == "poll"
    assert "fs.inotify.max_user_instances" in it.health.why
    world.put(crate("foo"))
    it.until_told("published foo 1.0.0")
""",
    )


def test_the_limit_of_watched_folders_is_named_when_it_is_reached(tmp_path: Path) -> None:
    in_a_namespace(
        tmp_path,
        """
Path("/proc/sys/user/max_inotify_watches").write_text("3")
with running(world) as it:
    assert it.health.mode == "events"
    for number in range(5):
        world.put(crate("foo", f"1.{number}.0"), folder=f"in{number}")
    it.until(lambda: it.health.mode == "poll")
    assert "fs.inotify.max_user_watches" in it.health.why
    it.until(lambda: len(it.told()) == 5)
""",
    )


def test_used_up_descriptors_are_named(tmp_path: Path) -> None:
    in_a_namespace(
        tmp_path,
        """
import resource
from cargo_static_index.registry.watch.ground import limit_reached
from cargo_static_index.registry.watch.doorbell import InotifyDoorbell
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
held = []
try:
    while True:
        held.append(os.open("/", os.O_RDONLY))
except OSError:
    pass
try:
    InotifyDoorbell(world.drop, None)
except OSError as error:
    os.close(held.pop())
    assert "ulimit -n" in limit_reached(error), limit_reached(error)
else:
    raise AssertionError("it was given a descriptor")
""",
    )


def test_a_full_disk_is_said_and_waited_out(tmp_path: Path) -> None:
    in_a_namespace(
        tmp_path,
        """
world.tree.mkdir()
sh("mount", "-t", "tmpfs", "-o", "size=600k", "none", world.tree)
with running(world) as it:
    fill = world.tree / "fill"
    filling = os.open(fill, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(filling, bytes(4096))
    except OSError:
        os.close(filling)
    world.put(crate("foo").file("src/lib.rs", os.urandom(50_000)))
    it.until_said("No space left on device")
    assert it.told() == []
    fill.unlink()
    it.until_told("published foo 1.0.0")
    it.until_said("It works again")
""",
    )


def test_a_tree_that_becomes_read_only_is_said_and_waited_out(tmp_path: Path) -> None:
    in_a_namespace(
        tmp_path,
        """
world.tree.mkdir()
sh("mount", "-t", "tmpfs", "none", world.tree)
with running(world) as it:
    sh("mount", "-o", "remount,ro", world.tree)
    world.put(crate("foo"))
    it.until_said("Read-only file system")
    sh("mount", "-o", "remount,rw", world.tree)
    it.until_told("published foo 1.0.0")
    it.until_said("It works again")
""",
    )
