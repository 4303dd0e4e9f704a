"""Whose the state directory is, and what somebody else cannot do with it."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from cargo_static_index.state import DATABASE, SiteState, open_state
from tests.cli.program import run
from tests.crates import crate
from tests.users import ALICE, BOB, SHARED, as_root, being, everybody, give, run_as

__all__ = ["everybody"]

pytestmark = as_root

REFUSED = [
    (BOB, 0o755, BOB, "belongs to bin (user 2)", "name another with `--state`"),
    (ALICE, 0o775, SHARED, "can be written by others", "take that right away with `chmod go-w {}`, or name another"),
    (ALICE, 0o757, ALICE, "can be written by everybody", "take that right away with `chmod go-w {}`, or name another"),
]


@pytest.mark.parametrize(("owner", "mode", "group", "why", "way_out"), REFUSED)
def test_a_state_directory_that_others_may_write_to_is_not_used(
    everybody: Path, owner: int, mode: int, group: int, why: str, way_out: str
) -> None:
    folder = everybody / "state"
    folder.mkdir()
    give(folder, owner, mode, group)
    with being(ALICE), pytest.raises(SettingsError) as caught, open_state(folder):
        pass
    assert str(caught.value).startswith(f"The state directory '{folder}' {why}, but what is remembered there is relied")
    assert way_out.format(folder) in str(caught.value)
    assert list(folder.iterdir()) == []


def test_a_state_directory_is_made_for_the_caller_alone_to_write(everybody: Path) -> None:
    before = os.umask(0)
    try:
        with being(ALICE), open_state(everybody / "state"):
            pass
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o022 for path in (everybody / "state", *(everybody / "state").iterdir())} == {0}


def test_a_link_to_a_state_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "state").symlink_to("real")
    with pytest.raises(SettingsError, match=f"--state {tmp_path}/real"), open_state(tmp_path / "state"):
        pass
    assert list((tmp_path / "real").iterdir()) == []


def test_links_in_a_state_directory_lead_nowhere(everybody: Path) -> None:
    folder = everybody / "state"
    folder.mkdir()
    for name in (".gitignore", DATABASE, f"{DATABASE}-wal"):
        (folder / name).symlink_to(everybody / f"made by {name}")
    with open_state(folder) as state:
        state.site = SiteState(last_build=1)
    assert [path.name for path in everybody.iterdir()] == ["state"]


def test_a_database_that_somebody_else_put_there_is_thrown_away(everybody: Path) -> None:
    folder = everybody / "state"
    with open_state(folder) as state:
        state.site = SiteState(last_build=1)
    os.chown(folder / DATABASE, BOB, BOB)
    with open_state(folder) as state:
        assert state.fresh
        assert state.site == SiteState()


def test_a_folder_exchanged_while_it_is_opened_is_never_used(everybody: Path) -> None:
    mine, planted, folder = (everybody / name for name in ("mine", "planted", "state"))
    for each, build in ((mine, 1), (planted, 666)):
        with open_state(each) as state:
            state.site = SiteState(last_build=build)
    os.chown(planted, BOB, BOB)
    mine.rename(folder)
    end = threading.Event()

    def exchange() -> None:
        while not end.is_set():
            # Whoever opens the state makes a folder where there is none just then, and a name is taken.
            with suppress(OSError):
                folder.rename(mine)
                planted.rename(folder)
                time.sleep(0)
                folder.rename(planted)
                mine.rename(folder)

    attacker = threading.Thread(target=exchange)
    attacker.start()
    try:
        for _ in range(300):
            try:
                with open_state(folder) as state:
                    assert state.site.last_build != 666
            except (SettingsError, StoreError):
                pass  # refused, or not there just then
    finally:
        end.set()
        attacker.join()


def test_a_second_user_of_a_shared_tree_has_a_state_of_their_own(everybody: Path) -> None:
    place = everybody / "registry"
    place.mkdir()
    give(place, 0, 0o2775, SHARED)
    (place / "drop").mkdir()
    give(place / "drop", 0, 0o2775, SHARED)
    options = ["--no-pages", "--base-url", "https://a.example/", "--tree-file-mode", "664", "--tree-dir-mode", "2775"]
    crate("foo").write(place / "drop")
    run_as(ALICE, "build", *options, cwd=place, groups=[SHARED]).ok()
    crate("bar").write(place / "drop")
    home = everybody / "bob"
    home.mkdir()
    give(home, BOB, 0o755)
    built = run_as(BOB, "build", *options, cwd=place, groups=[SHARED], env={"HOME": str(home)}).ok()
    assert "Published bar 1.0.0" in built
    assert "Unchanged foo 1.0.0" in built
    own = home / ".cache/cargo-static-index" / place.relative_to("/") / ".cargo-static-index"
    assert {(path.owner(), path.exists()) for path in (own, own / DATABASE)} == {("bin", True)}
    assert (place / ".cargo-static-index").owner() == "daemon"
    assert "Unchanged bar 1.0.0" in run_as(ALICE, "build", *options, cwd=place, groups=[SHARED]).ok()


def test_status_knows_the_last_build_of_another_user(everybody: Path) -> None:
    place = everybody / "registry"
    (place / "drop").mkdir(parents=True)
    give(place, ALICE, 0o755)
    crate("foo").write(place / "drop")
    options = ["--no-pages", "--base-url", "https://a.example/"]
    run_as(ALICE, "build", *options, cwd=place).ok()
    for status in (run_as(BOB, "status", cwd=place), run("status", cwd=place)):
        assert "last build: never" not in status.ok()
        assert "waiting: 0" in status.ok()
    assert {path.owner() for path in (place / ".cargo-static-index").iterdir()} == {"daemon"}


def test_a_state_directory_that_is_named_is_another_user_s_is_refused(everybody: Path) -> None:
    state = everybody / "state"
    state.mkdir()
    give(state, BOB, 0o777)
    (everybody / "drop").mkdir()
    for command in ("build", "check-settings"):
        run(command, "--state", state, "--base-url", "https://a.example/", cwd=everybody).failed(2, "belongs to bin")
    assert list(state.iterdir()) == []
