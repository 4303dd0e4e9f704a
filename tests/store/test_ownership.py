"""Who else could change a file on a machine that several users share."""

import grp
import os
import pwd
from pathlib import Path

import pytest

from cargo_static_index.store.local.ownership import may_have, objection, trusted_users, user_name

ME = os.geteuid()
GROUPS = {each.gr_gid: each.gr_mem for each in grp.getgrall()}
UNKNOWN = next(number for number in range(54_321, 60_000) if number not in GROUPS)
EMPTY = next(group for group in GROUPS if not GROUPS[group] and group not in {user.pw_gid for user in pwd.getpwall()})


@pytest.fixture
def opened(tmp_path: Path) -> int:
    tmp_path.chmod(0o700)
    return os.open(tmp_path, os.O_RDONLY)


@pytest.mark.parametrize(
    ("mode", "said"),
    [(0o755, None), (0o757, "can be written by everybody"), (0o777, "can be written by everybody")],
)
def test_what_everybody_may_write_is_objected_to(opened: int, mode: int, said: str | None) -> None:
    os.fchmod(opened, mode)
    assert objection(opened, frozenset({ME})) == said
    os.close(opened)


def test_what_belongs_to_another_is_objected_to_by_name(opened: int) -> None:
    assert objection(opened, frozenset({ME + 1})) == f"belongs to {pwd.getpwuid(ME).pw_name} (user {ME})"
    os.close(opened)


@pytest.mark.skipif(ME != 0, reason="needs leave to give a folder to any group")
def test_a_group_is_trusted_where_all_its_members_are(opened: int) -> None:
    os.fchmod(opened, 0o770)
    everybody = frozenset(user.pw_uid for user in pwd.getpwall())
    assert objection(opened, everybody) is None
    os.fchown(opened, -1, grp.getgrnam("daemon").gr_gid)
    assert objection(opened, everybody) is None
    assert objection(opened, frozenset({ME})) == "can be written by others"
    for nobody_s in (UNKNOWN, EMPTY):
        os.fchown(opened, -1, nobody_s)
        assert objection(opened, everybody) == "can be written by others", "nobody knows who will be in it"
    os.close(opened)


def test_who_called_sudo_is_trusted_by_root_alone() -> None:
    root = {0, ME}
    for named, more in (("1000", {1000} if ME == 0 else set[int]()), ("", set[int]()), ("x", set[int]())):
        assert trusted_users({"SUDO_UID": named}) == root | more


def test_a_folder_is_ours_or_can_be_made_by_us(tmp_path: Path) -> None:
    assert may_have(tmp_path)
    assert may_have(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    assert not may_have(tmp_path / "file" / "below")
    if ME != 0:
        assert not may_have(Path("/"))


def test_a_user_without_a_name_is_a_number() -> None:
    unknown = max(user.pw_uid for user in pwd.getpwall() if user.pw_uid < 2**31 - 2) + 1
    assert user_name(unknown) == f"user {unknown}"
