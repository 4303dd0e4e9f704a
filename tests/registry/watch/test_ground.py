"""Which folder a path leads to, and whether the kernel tells of all that changes there."""

import errno
from pathlib import Path

import pytest

from cargo_static_index.registry.watch.ground import Ground, file_system_under, ground_of, is_remote, limit_reached
from cargo_static_index.store.bucket import Bucket

NO_PROC = Path("/nowhere")


def test_a_folder_is_the_same_until_another_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    before = ground_of(tmp_path / "drop")
    (tmp_path / "drop/a.crate").touch()
    assert ground_of(tmp_path / "drop") == before
    (tmp_path / "drop").rename(tmp_path / "old")
    (tmp_path / "drop").mkdir()
    assert ground_of(tmp_path / "drop") != before
    assert ground_of(tmp_path / "old") == before


def test_the_mount_is_part_of_it_where_the_kernel_tells(tmp_path: Path) -> None:
    ground = ground_of(tmp_path)
    assert ground.mount.isdigit()
    assert ground_of(tmp_path, NO_PROC) == Ground(ground.device, ground.inode, "")


def test_what_is_no_folder_is_no_ground(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        ground_of(tmp_path / "file")
    with pytest.raises(FileNotFoundError):
        ground_of(tmp_path / "gone")


def test_a_bucket_is_itself() -> None:
    assert ground_of(Bucket("s3", "crates")) == ground_of(Bucket("s3", "crates"))
    assert ground_of(Bucket("s3", "crates")) != ground_of(Bucket("s3", "others"))


def test_the_file_system_below_a_folder_is_named_where_the_kernel_tells(tmp_path: Path) -> None:
    assert file_system_under(Path("/proc/self")) == "proc"
    assert file_system_under(tmp_path, NO_PROC) == ""


def test_file_systems_that_others_change_are_known() -> None:
    assert all(map(is_remote, ("nfs4", "cifs", "fuse.sshfs", "9p", "virtiofs")))
    assert not any(map(is_remote, ("ext4", "tmpfs", "fuseblk", "overlay", "btrfs")))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "full"), "sysctl fs.inotify.max_user_watches="),
        (OSError(errno.EMFILE, "too many"), "sysctl fs.inotify.max_user_instances="),
        (OSError(errno.ENFILE, "too many"), "sysctl fs.inotify.max_user_instances="),
        (OSError(errno.EACCES, "Permission denied"), "the kernel refused: Permission denied"),
        (OSError("odd"), "the kernel refused: odd"),
    ],
)
def test_the_limit_that_was_reached_is_named_with_what_raises_it(error: OSError, says: str) -> None:
    assert says in limit_reached(error)


def test_where_open_files_cannot_be_counted_they_may_be_too_many() -> None:
    assert "`ulimit -n`" in limit_reached(OSError(errno.EMFILE, ""), NO_PROC)
