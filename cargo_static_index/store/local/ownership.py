"""Whose a file or folder is, and who else could change it, on a machine that several users share."""

import grp
import os
import pwd
import stat
from collections.abc import Mapping
from pathlib import Path

Users = frozenset[int]
"""Users by number."""

_ROOT = 0


def trusted_users(environment: Mapping[str, str]) -> Users:
    """Give those who may decide what the caller runs: the caller, root, and the user who called sudo."""
    caller = os.geteuid()
    sudo = environment.get("SUDO_UID", "") if caller == _ROOT else ""
    return frozenset({caller, _ROOT, *([int(sudo)] if sudo.isascii() and sudo.isdigit() else [])})


def objection(opened: int, users: Users) -> str | None:
    """Say why an open file or folder could have been made, or could be changed, by others than `users`; else None.

    A group whose only members are `users` is none of others: where each user has a group, many have the umask 002.
    """
    status = os.fstat(opened)
    if status.st_uid not in users:
        return f"belongs to {user_name(status.st_uid)}"
    if status.st_mode & stat.S_IWOTH:
        return "can be written by everybody"
    if status.st_mode & stat.S_IWGRP and (_has_list(opened) or not _members(status.st_gid) <= users):
        return "can be written by others"
    return None


def may_have(folder: Path) -> bool:
    """Whether a folder is the caller's, or is not there and the caller may make it."""
    try:
        return folder.lstat().st_uid == os.geteuid()
    except FileNotFoundError:
        there = next(parent for parent in folder.parents if parent.exists())
        return os.access(there, os.W_OK | os.X_OK)
    except OSError:
        return False


def user_name(user: int) -> str:
    """Give a user's name with the number, or the number where there is no name, as in many containers."""
    try:
        return f"{pwd.getpwuid(user).pw_name} (user {user})"
    except KeyError:
        return f"user {user}"


def _has_list(opened: int) -> bool:
    # With an access control list the group's bits say what any of the users and groups in it may do (man 5 acl).
    try:
        return "system.posix_acl_access" in os.listxattr(opened)
    except (AttributeError, OSError):
        return False


def _members(group: int) -> Users:
    """Give the members of a group; of one that is not known, or has none, somebody who is nobody's friend."""
    stranger = frozenset({-1})
    try:
        named = [pwd.getpwnam(name).pw_uid for name in grp.getgrgid(group).gr_mem]
    except KeyError:
        return stranger
    return frozenset((*named, *(user.pw_uid for user in pwd.getpwall() if user.pw_gid == group))) or stranger
