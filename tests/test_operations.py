"""docs/operations.md: its procedures are run as they stand, with all that can come between two of their commands."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import pytest

from cargo_static_index.crate.candidate import DropFile
from cargo_static_index.crate.policy import Policy
from cargo_static_index.registry.read import Reader
from cargo_static_index.tree.documents import FORMAT
from tests.cli.program import environment, run
from tests.cli.test_migration import GOLDEN, VERSIONS
from tests.crates import crate
from tests.tools import need

PAGE = Path(__file__).parents[1] / "docs/operations.md"
BASE = "https://crates.example.com/"


def commands(heading: str) -> list[str]:
    """Give the commands of the first block below a heading of the page, one a line."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    block = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0]
    return [line for line in block.replace("\\\n", "").splitlines() if line]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a registry of four releases, and a program called as the page calls it."""
    run("init", "--name", "acme", "--base-url", BASE, cwd=tmp_path).ok()
    for name, version in (("foo", "1.0.0"), ("foo", "1.1.0"), ("bar", "1.0.0"), ("gone", "1.0.0")):
        crate(name, version).write(tmp_path / "drop")
    run("build", cwd=tmp_path).ok()
    program = tmp_path / "bin/cargo-static-index"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cargo_static_index "$@"\n')
    program.chmod(0o755)
    return tmp_path


def do(line: str, here: Path) -> int:
    """Run a command of the page, and give its exit code."""
    path = f"{here / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["sh", "-c", line], cwd=here, env=environment({"PATH": path}), check=False, timeout=60)
    return done.returncode


def published(here: Path) -> None:
    run("add", crate("foo", "2.0.0").write(here), cwd=here).ok()


def yanked(here: Path) -> None:
    run("yank", "foo@1.0.0", cwd=here).ok()


def removed(here: Path) -> None:
    run("remove", "gone@1.0.0", "--yes", cwd=here).ok()


MEANWHILE = (published, yanked, removed)


def test_the_copy_counts_before_it_names_and_names_before_it_copies() -> None:
    _, counts, names, copies, verifies = commands("Backup")
    assert "tree.json" in counts
    assert "public/index/" in names
    assert "--exclude '.cargo-static-index-stage*'" in copies
    assert verifies.startswith("cargo-static-index verify --fix --tree backup")


ORDERS = [pytest.param(some, id="-".join(each.__name__ for each in some)) for some in permutations(MEANWHILE)]


@pytest.mark.parametrize("changes", ORDERS)
def test_a_backup_is_whole_whatever_came_between_its_commands(
    here: Path, changes: tuple[Callable[[Path], None], ...]
) -> None:
    need("rsync")
    lines = commands("Backup")
    between: Iterator[Callable[[Path], None]] = iter(changes)
    for line in lines[:-1]:
        assert do(line, here) == 0
        if line != lines[0]:
            next(between)(here)
    do(lines[-1], here)
    assert (
        run("verify", "--tree", "backup", "--state", "backup.state", cwd=here).ok() == "    Finished nothing is wrong\n"
    )


def test_a_copy_leaves_out_what_is_not_published_yet(here: Path) -> None:
    need("rsync")
    staged = here / "public/.cargo-static-index-stage/0123/1"
    staged.parent.mkdir(parents=True)
    staged.write_bytes(b"unpublished")
    for line in commands("Backup")[:-1]:
        assert do(line, here) == 0
    assert not [path for path in (here / "backup").rglob("*") if "stage" in path.name]


def test_what_is_not_published_yet_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = crate("foo", "1.0.0").write(tmp_path)
    reader = Reader(policy=Policy(), stage=str(tmp_path), pubtime=None)
    reader.read(DropFile(source="foo-1.0.0.crate", target=os.fsencode(path)), "1")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("1", "1.json")]
    assert modes == [0o600, 0o600]


def test_a_backup_is_restored_by_copying_back(here: Path) -> None:
    need("rsync")
    for line in commands("Backup"):
        assert do(line, here) == 0
    shutil.rmtree(here / "public")
    shutil.rmtree(here / ".cargo-static-index")
    for line in commands("Backup")[1:-1]:
        there = line.replace("backup/", "THERE/").replace("public/", "backup/").replace("THERE/", "public/")
        (here / "public").mkdir(exist_ok=True)
        assert do(there, here) == 0
    run("verify", cwd=here).ok()
    assert "unchanged" in run("build", "--json", cwd=here).out


def moved(here: Path, new: str) -> None:
    """Move the registry as the page says, in the place of NEW."""
    [line] = re.findall(r"`(build --base-url NEW --move)`", PAGE.read_text())
    run(*line.replace("NEW", new).split(), cwd=here).ok()


def test_after_a_move_a_cron_job_says_which_key_of_which_file_is_left_and_moves_nothing_back(here: Path) -> None:
    new = "https://new.example.com/"
    moved(here, new)
    said = run("build", "--quiet", cwd=here).failed(2, f"the tree was moved to {new}", "`base-url`", "registry.toml")
    assert BASE in said
    run("build", "--move", cwd=here).failed(2, "--move would move it back", "`base-url`", "registry.toml", "--yes")
    file = here / "registry.toml"
    file.write_text(file.read_text().replace(BASE, new))
    run("build", "--quiet", cwd=here).ok()
    run("verify", "--quiet", cwd=here).ok()


def test_who_says_yes_moves_back(here: Path) -> None:
    moved(here, "https://new.example.com/")
    run("build", "--move", "--yes", cwd=here).ok()
    assert f'"{BASE}crates/' in (here / "public/index/config.json").read_text()


LOST = ("public/index/config.json", "public/tree.json", ".cargo-static-index")


def lose(place: Path) -> None:
    shutil.rmtree(place) if place.is_dir() else place.unlink()


@pytest.mark.parametrize("lost", LOST)
def test_a_lost_place_is_made_anew_by_the_pass_of_a_cron_job(here: Path, lost: str) -> None:
    before = (here / "public/index/3/f/foo").read_bytes()
    lose(here / lost)
    run("build", "--quiet", cwd=here).ok()
    run("verify", "--quiet", cwd=here).ok()
    assert (here / "public/index/3/f/foo").read_bytes() == before


def lost_private_place() -> list[str]:
    """Give the commands that make a lost private folder anew."""
    text = PAGE.read_text().partition("**Losing a place.**")[2]
    block: str = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
    return block.splitlines()


def holds_one_token(here: Path) -> None:
    private = here / "private"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert "alice" in run("token", "list", cwd=here).ok()
    assert [path for path in private.rglob("*") if path.is_file() and path.stat().st_mode & 0o077] == []


def test_a_lost_private_folder_is_made_anew_with_new_tokens(here: Path) -> None:
    for line in lost_private_place():
        assert do(line, here) == 0
    holds_one_token(here)


def private_backup() -> tuple[list[str], list[str]]:
    """Give the commands that back the private folder up, and those that bring it back."""
    text = PAGE.read_text().partition("**The private folder**")[2].partition("**Losing a place.**")[0]
    saving, restoring = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return saving.splitlines(), restoring.splitlines()


def files_and_modes(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*"))}
    return {
        name: (stat.S_IMODE(path.stat().st_mode), path.read_bytes() if path.is_file() else b"")
        for name, path in {".": folder, **found}.items()
    }


def comes_back(here: Path, do_line: Callable[[str], object]) -> None:
    """Claim that a private folder that was lost comes back as it was, and what was revoked since with it."""
    for line in lost_private_place():
        do_line(line)
    saving, restoring = private_backup()
    for line in saving:
        do_line(line)
    assert stat.S_IMODE((here / "private.tar").stat().st_mode) == 0o600
    before = files_and_modes(here / "private")
    [token] = map(json.loads, run("token", "list", "--json", cwd=here).ok().splitlines())
    run("token", "revoke", token["id"], cwd=here).ok()
    shutil.rmtree(here / "private")
    for line in restoring:
        do_line(line)
    assert files_and_modes(here / "private") == before
    holds_one_token(here)
    run("token", "revoke", token["id"], cwd=here).ok()
    assert "alice" not in run("token", "list", cwd=here).ok()


def test_a_private_folder_comes_back_from_its_backup_as_it_was(here: Path) -> None:
    ended: list[int] = []
    comes_back(here, lambda line: ended.append(do(line, here)))
    assert ended == [0] * len(ended)


def test_without_a_backup_a_lost_tree_begins_anew_from_the_drop_directory(here: Path) -> None:
    archives = {path.name: path.read_bytes() for path in (here / "public/crates").rglob("*.crate")}
    yanked(here)
    lose(here / "public")
    run("build", "--quiet", cwd=here).ok()
    run("verify", "--quiet", cwd=here).ok()
    assert {path.name: path.read_bytes() for path in (here / "public/crates").rglob("*.crate")} == archives
    assert '"yanked":true' not in (here / "public/index/3/f/foo").read_text()


def test_an_older_backup_takes_back_what_was_yanked_and_removed_since_as_the_page_warns(here: Path) -> None:
    shutil.copytree(here / "public", here / "older")
    yanked(here)
    removed(here)
    shutil.rmtree(here / "public")
    shutil.rmtree(here / ".cargo-static-index")
    shutil.copytree(here / "older", here / "public")
    run("verify", cwd=here).ok()
    yanked(here)
    removed(here)
    assert "removed-release" in run("build", cwd=here).out
    run("verify", cwd=here).ok()


def test_another_mode_is_reached_by_reindex_and_kept_by_later_passes(here: Path) -> None:
    (here / "registry.toml").write_text(
        (here / "registry.toml").read_text().replace("[registry]", '[registry]\nmode = "mirror"', 1)
    )
    run("build", cwd=here).failed(2, "derive the lines anew with `cargo-static-index reindex`")
    run("reindex", "--yes", cwd=here).ok()
    run("build", "--quiet", cwd=here).ok()
    run("verify", "--quiet", cwd=here).ok()


# from cron: no terminal, another directory, hardly an environment


def by_cron(line: str, here: Path) -> str:
    """Run a line of a crontab as cron does, claim that it ends well, and give what cron would mail."""
    env = {"PATH": f"{here / 'bin'}:/usr/bin:/bin", "HOME": str(here), "LOGNAME": "crates", "SHELL": "/bin/sh"}
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd="/",
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done
    return done.stdout + done.stderr


def test_the_crontab_of_the_page_publishes_verifies_and_mails_nothing(here: Path) -> None:
    crate("new", "1.0.0").write(here / "drop")
    for line in commands("Regular work"):
        command = re.sub(r"^(@\w+|(\S+ +){5})", "", line).strip().replace("/srv/crates", str(here))
        assert by_cron(command, here) == ""
    assert (here / "public/index/3/n/new").exists()


def test_backup_and_restoring_run_from_cron(here: Path) -> None:
    need("rsync")
    lines = commands("Backup")
    for line in lines:
        by_cron(f"cd {here} && {line}", here)
    shutil.rmtree(here / "public")
    shutil.rmtree(here / ".cargo-static-index")
    for line in lines[1:-1]:
        there = line.replace("backup/", "THERE/").replace("public/", "backup/").replace("THERE/", "public/")
        by_cron(f"cd {here} && mkdir -p public && {there}", here)
    assert "nothing is wrong" in by_cron(f"cd {here} && cargo-static-index verify", here)
    assert by_cron(f"cd {here} && cargo-static-index build --quiet", here) == ""


def test_moving_and_another_mode_run_from_cron(here: Path) -> None:
    new = "https://new.example.com/"
    by_cron(f"cd {here} && cargo-static-index build --base-url {new} --move", here)
    file = here / "registry.toml"
    file.write_text(file.read_text().replace(BASE, new).replace("[registry]", '[registry]\nmode = "mirror"', 1))
    by_cron(f"cd {here} && cargo-static-index reindex --yes", here)
    assert by_cron(f"cd {here} && cargo-static-index build --quiet && cargo-static-index verify --quiet", here) == ""


def test_losing_a_place_is_made_good_from_cron(here: Path) -> None:
    build = f"cd {here} && cargo-static-index build --quiet"
    before = (here / "public/index/3/f/foo").read_bytes()
    for lost in LOST:
        lose(here / lost)
        by_cron(build, here)
        assert by_cron(f"{build} && cargo-static-index verify --quiet", here) == "", lost
    assert (here / "public/index/3/f/foo").read_bytes() == before


def test_a_lost_private_folder_and_a_lost_tree_are_made_anew_from_cron(here: Path) -> None:
    for line in lost_private_place():
        by_cron(f"cd {here} && {line}", here)
    holds_one_token(here)
    lose(here / "public")
    build = f"cd {here} && cargo-static-index build --quiet"
    by_cron(build, here)
    assert by_cron(f"{build} && cargo-static-index verify --quiet", here) == ""
    assert (here / "public/index/3/f/foo").exists()


def test_a_private_folder_is_saved_and_comes_back_from_cron(here: Path) -> None:
    comes_back(here, lambda line: by_cron(f"cd {here} && {line}", here))


def test_an_older_backup_is_brought_up_to_date_from_cron(here: Path) -> None:
    program = f"cd {here} && cargo-static-index"
    by_cron(f"cp -a {here}/public {here}/older", here)
    by_cron(f"{program} yank foo@1.0.0 --quiet && cargo-static-index remove gone@1.0.0 --yes --quiet", here)
    lose(here / ".cargo-static-index")
    by_cron(f"rm -r {here}/public && cp -a {here}/older {here}/public", here)
    by_cron(f"{program} yank foo@1.0.0 --quiet && cargo-static-index remove gone@1.0.0 --yes --quiet", here)
    (here / "drop/gone-1.0.0.crate").unlink()
    assert by_cron(f"{program} build --quiet && cargo-static-index verify --quiet", here) == ""
    assert (here / "public/index/go/ne/gone").read_bytes() == b""


@pytest.mark.parametrize("version", VERSIONS)
def test_upgrading_takes_nothing_but_the_next_pass_of_cron(here: Path, version: str) -> None:
    for place in ("public", ".cargo-static-index", "drop"):
        lose(here / place)
    (here / "drop").mkdir()
    shutil.copytree(GOLDEN / version / "tree", here / "public")
    before = (here / "public/index/3/f/foo").read_bytes()
    by_cron(f"cd {here} && cargo-static-index build --quiet", here)
    assert (here / "public/index/3/f/foo").read_bytes() == before
    assert json.loads((here / "public/tree.json").read_bytes())["format"] == FORMAT
