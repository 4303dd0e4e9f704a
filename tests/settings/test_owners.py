"""Whose registry.toml counts, where it was only found."""

import os
import shlex
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.settings import load_settings
from tests.cli.program import run
from tests.crates import crate
from tests.users import ALICE, BOB, SHARED, as_root, being, everybody, give, run_as

__all__ = ["everybody"]

pytestmark = as_root

COUNTS = [
    ("one's own", ALICE, 0o644, ALICE, 0o755, ALICE),
    ("one's own, which one's own group may write", ALICE, 0o664, ALICE, 0o775, ALICE),
    ("root's", 0, 0o644, 0, 0o755, ALICE),
    ("one's own in a folder of root's", ALICE, 0o600, 0, 0o755, ALICE),
    ("one's own, for root", 0, 0o644, 0, 0o755, 0),
]


def found(folder: Path, *, file: tuple[int, int], around: tuple[int, int], group: int | None = None) -> Path:
    """Put a registry.toml into a folder, each with its owner and mode, and give a folder below it."""
    below = folder / "acme" / "below"
    below.mkdir(parents=True)
    below.chmod(0o755)
    path = folder / "acme/registry.toml"
    path.write_text('registry.name = "acme"\n')
    give(path, *file, group)
    give(folder / "acme", *around)
    return below


@pytest.mark.parametrize(("_says", "owner", "mode", "keeper", "around", "caller"), COUNTS, ids=str)
def test_a_settings_file_of_the_caller_s_or_of_root_s_counts(
    everybody: Path, _says: str, owner: int, mode: int, keeper: int, around: int, caller: int
) -> None:
    below = found(everybody, file=(owner, mode), around=(keeper, around))
    with being(caller):
        assert load_settings({}, {}, below).settings.registry.name == "acme"


REFUSED = [
    ("somebody else's", BOB, 0o644, ALICE, 0o755, None, "{file} belongs to bin (user 2)"),
    ("everybody may write", ALICE, 0o646, ALICE, 0o755, None, "{file} can be written by everybody"),
    ("a group of others may write", ALICE, 0o664, ALICE, 0o755, SHARED, "{file} can be written by others"),
    ("in a folder of somebody else's", ALICE, 0o644, BOB, 0o755, None, "the folder of {file} belongs to bin (user 2)"),
    ("in a folder for everybody", 0, 0o644, 0, 0o1777, None, "the folder of {file} can be written by everybody"),
]


@pytest.mark.parametrize(("_says", "owner", "mode", "keeper", "around", "group", "sentence"), REFUSED, ids=str)
def test_a_settings_file_that_others_could_have_made_does_not_count(
    everybody: Path, _says: str, owner: int, mode: int, keeper: int, around: int, group: int | None, sentence: str
) -> None:
    below = found(everybody, file=(owner, mode), around=(keeper, around), group=group)
    file = below.parent / "registry.toml"
    with being(ALICE), pytest.raises(SettingsError) as caught:
        load_settings({}, {}, below)
    assert str(caught.value) == (
        f"{sentence.format(file=file)}, so it does not count where it was only found: what it names is run and "
        f"published as you. To use it all the same, name it: `cargo-static-index --config {file} …`"
    )
    with being(ALICE):
        assert load_settings({}, {}, below, file).settings.registry.name == "acme"
        assert load_settings({}, {"CARGO_STATIC_INDEX_CONFIG": str(file)}, below).settings.registry.name == "acme"


def test_a_link_counts_as_what_it_leads_to_does(everybody: Path) -> None:
    found(everybody, file=(BOB, 0o644), around=(BOB, 0o755))
    mine = everybody / "mine"
    mine.mkdir()
    (mine / "registry.toml").symlink_to(everybody / "acme/registry.toml")
    give(mine, ALICE, 0o755)
    with being(ALICE), pytest.raises(SettingsError, match="belongs to bin"):
        load_settings({}, {}, mine)


def test_an_access_list_counts_as_others(everybody: Path) -> None:
    below = found(everybody, file=(ALICE, 0o664), around=(ALICE, 0o755))
    file = below.parent / "registry.toml"
    # version 2, then tag, rights and user or group of each entry: owner, user 2, group, mask, others
    entries = [(1, 6, -1), (2, 6, BOB), (4, 6, -1), (16, 6, -1), (32, 4, -1)]
    value = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + right.to_bytes(2, "little") + (who & 0xFFFFFFFF).to_bytes(4, "little")
        for tag, right, who in entries
    )
    try:
        os.setxattr(file, "system.posix_acl_access", value)
    except OSError:
        return  # a file system without access lists
    with being(ALICE), pytest.raises(SettingsError, match="can be written by others"):
        load_settings({}, {}, below)


def test_who_called_sudo_is_trusted_and_only_by_root(everybody: Path) -> None:
    below = found(everybody, file=(BOB, 0o664), around=(BOB, 0o775))
    assert load_settings({}, {"SUDO_UID": str(BOB)}, below).settings.registry.name == "acme"
    for environment in ({}, {"SUDO_UID": str(ALICE)}, {"SUDO_UID": "nobody"}):
        with pytest.raises(SettingsError, match="belongs to bin"):
            load_settings({}, environment, below)
    with being(ALICE), pytest.raises(SettingsError, match="belongs to bin"):
        load_settings({}, {"SUDO_UID": str(BOB)}, below)


def test_templates_of_somebody_else_run_nothing(everybody: Path) -> None:
    below = found(everybody, file=(BOB, 0o644), around=(BOB, 0o755))
    crate("foo").write(below.parent / "drop")
    template = below.parent / "templates/index.html"
    template.parent.mkdir()
    template.write_text(f"{{{{ cycler.__init__.__globals__.os.system('touch {everybody}/ran') }}}}")
    settings = 'pages.templates = "templates"\nregistry.base-url = "https://a.example/"\n'
    (below.parent / "registry.toml").write_text(settings)
    for command in (["build"], ["build", "-n"], ["status"], ["check-settings"], ["yank", "foo@1.0.0"]):
        error = run(*command, cwd=below).failed(2, "belongs to bin (user 2)")
    assert sorted(each.name for each in everybody.iterdir()) == ["acme"]
    assert sorted(each.name for each in below.parent.iterdir()) == ["below", "drop", "registry.toml", "templates"]
    program, option, file = shlex.split(error[error.index("`") + 1 : error.rindex(" …`")])
    assert program == "cargo-static-index"
    assert "waiting: 1" in run(option, file, "status", cwd=below).ok()


def test_rules_that_somebody_else_could_write_run_only_if_they_are_named(everybody: Path) -> None:
    below = found(everybody, file=(ALICE, 0o644), around=(ALICE, 0o755))
    rules = below.parent / "acme_rules.py"
    rules.write_text("RULES = ()\ndef check(metadata):\n    return ()\n")
    (below.parent / "registry.toml").write_text('[registry]\nown-rules = "acme_rules.py"\n')
    for owner, mode, why in ((BOB, 0o644, "belongs to bin (user 2)"), (ALICE, 0o666, "can be written by everybody")):
        give(rules, owner, mode)
        with being(ALICE), pytest.raises(SettingsError) as caught:
            load_settings({}, {}, below)
        assert f"{rules} {why}, so it does not count" in str(caught.value)
        assert str(caught.value).endswith(f"name it: `cargo-static-index --own-rules {rules} …`")
    give(rules, ALICE, 0o644)
    with being(ALICE):
        assert load_settings({}, {}, below).settings.registry.own_rules == rules
    give(rules, BOB, 0o644)
    with being(ALICE):
        assert load_settings({}, {}, below, below.parent / "registry.toml").settings.registry.own_rules == rules
        assert load_settings({"registry.own-rules": str(rules)}, {}, below).settings.registry.own_rules == rules


def test_a_user_s_own_registry_is_used_and_root_is_told_whose_it_is(everybody: Path) -> None:
    home = everybody / "alice"
    home.mkdir()
    give(home, ALICE, 0o755)
    run_as(ALICE, "init", "--base-url", "https://a.example/", cwd=home).ok()
    crate("foo").write(home / "drop")
    assert "Published foo 1.0.0" in run_as(ALICE, "build", "--no-pages", cwd=home).ok()
    run("build", cwd=home).failed(2, f"{home}/registry.toml belongs to daemon (user 1)")
    run("status", cwd=home, env={"SUDO_UID": str(ALICE)}).ok()
