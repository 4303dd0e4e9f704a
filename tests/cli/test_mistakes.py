"""What a newcomer does wrong: each message says what, where, why and the way out, and nothing is left behind."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import PROGRAM, SPOKEN, environment, run, run_on_terminal
from tests.crates import crate
from tests.tools import as_nobody, need

RIGHTS = "Give the user that runs this the right to read and write there."

WRONG_FOLDER = [
    *(["build"], ["status"], ["check-settings"], ["list"], ["info", "foo"], ["search", "foo"]),
    *(["yank", "foo@1.0.0"], ["unyank", "foo@1.0.0"], ["remove", "foo@1.0.0", "--yes"]),
    *(["verify"], ["verify", "--fix"], ["reindex", "--yes"], ["rebuild"]),
]


@pytest.mark.parametrize("arguments", WRONG_FOLDER, ids=" ".join)
def test_a_wrong_folder_is_named_and_left_as_it_is(tmp_path: Path, arguments: list[str]) -> None:
    said = run(*arguments, cwd=tmp_path).failed(
        2, str(tmp_path), "is this the right folder? (`init` begins a registry)"
    )
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_after_init_a_registry_without_a_tree_says_what_makes_one(tmp_path: Path) -> None:
    run("init", cwd=tmp_path).ok()
    said = run("list", cwd=tmp_path).failed(
        2, "there is no registry in ", "name its folder with --tree, or make it with"
    )
    assert "right folder" not in said


@pytest.mark.parametrize(
    "given", ["https://crates.example.com", "https://crates.example.com/", "https://crates.example.com/team"]
)
def test_a_missing_slash_is_put_there(tmp_path: Path, given: str) -> None:
    (tmp_path / "drop").mkdir()
    run("build", "--base-url", given, cwd=tmp_path).ok()
    assert f'"dl": "{given.rstrip("/")}/crates/' in (tmp_path / "public/index/config.json").read_text()
    run("build", "--base-url", f"{given.rstrip('/')}/", cwd=tmp_path).ok()


FILES = {
    "empty": (b"", "file-empty"),
    "page": (b"<!doctype html><title>502 Bad Gateway</title>", "file-not-gzip"),
    "zip": (b"PK\x03\x04" + bytes(40), "file-not-gzip"),
    "cut": (crate("foo", "1.0.0").build()[:200], "gzip-damaged"),
    "text": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n", "file-not-gzip"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_crate_is_refused_with_the_way_out(built: Path, kind: str) -> None:
    content, rule = FILES[kind]
    (built / "odd.crate").write_bytes(content)
    ended = run("add", "odd.crate", cwd=built)
    assert ended.code == 1
    lines = ended.out.splitlines()
    assert lines[1].startswith(f"error[{rule}]: ")
    assert lines[2].startswith("  --> odd.crate")
    assert lines[3].startswith("   = help: ")


def test_names_that_collide_are_both_named(built: Path) -> None:
    crate("Foo", "2.0.0").write(built)
    out = run("add", "Foo-2.0.0.crate", cwd=built).out
    assert "error[name-collision]: The registry holds `foo`, and `Foo` differs from it only in case" in out
    assert "   = help: Use the name that is there, or choose another.\n" in out


OVERLAPS = [
    (["--tree", "drop/public"], "would be taken for dropped crates; put it outside the drop directory"),
    (["--tree", "."], "would be served to everyone; put it outside the tree"),
    (["--state", "public/state"], "would be served to everyone; put it outside the tree"),
    (["--drop", "public"], "would be served to everyone; put it outside the tree"),
    (["--tree", ".cargo-static-index/public"], "would be deleted with what is a cache; put it outside the state"),
]


@pytest.mark.parametrize(("arguments", "sentence"), OVERLAPS)
def test_folders_in_each_other_are_refused(fresh: Path, arguments: list[str], sentence: str) -> None:
    run("build", *arguments, cwd=fresh).failed(2, sentence)
    assert not (fresh / "public").exists()


def test_a_file_where_a_folder_is_needed(fresh: Path) -> None:
    (fresh / "file").write_text("")
    run("build", "--tree", "file", cwd=fresh).failed(3, "file: cannot open: Not a directory. A file stands where")
    run("build", "--state", "file/state", cwd=fresh).failed(3, "file/state' cannot be used: Not a directory. Mend that")
    run("build", "--drop", "file", cwd=fresh).failed(2, "cannot be read: Not a directory. Make it, or name another.")


def denied(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = as_nobody([*PROGRAM, *arguments], cwd=folder, env=environment())
    assert SPOKEN not in done.stderr
    return done


@pytest.fixture
def closed(built: Path) -> Iterator[Path]:
    """The folder of `built`, whose modes are put right again for whoever deletes it."""
    yield built
    for path in (built, *built.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


DENIED = [
    ("public", 0o555, ["build"], 3, RIGHTS),
    ("public", 0o555, ["yank", "foo@1.0.0"], 3, RIGHTS),
    ("public/index/3/f/foo", 0, ["list"], 3, RIGHTS),
    ("public/index/3/f/foo", 0, ["verify"], 3, RIGHTS),
    ("drop", 0, ["build"], 2, "Give this user the right to read it, or name another."),
    (".cargo-static-index", 0, ["build"], 3, "Mend that, or name another folder with `--state`."),
    (".cargo-static-index/catalogue.sqlite", 0o444, ["build"], 3, "Mend that, or name another folder with `--state`."),
    ("public", 0o555, ["check-settings"], 3, "this user may not write to"),
    (".cargo-static-index", 0o555, ["check-settings"], 3, "this user may not write to"),
    ("drop", 0, ["check-settings"], 3, "this user may not read"),
    ("registry.toml", 0, ["list"], 2, "registry.toml' cannot be read: Permission denied"),
    ("drop/foo-1.0.0.crate", 0, ["entry", "drop/foo-1.0.0.crate"], 2, "cannot be read: Permission denied"),
]


@pytest.mark.parametrize(("path", "mode", "arguments", "code", "sentence"), DENIED)
def test_a_right_that_is_missing_is_named(
    closed: Path, path: str, mode: int, arguments: list[str], code: int, sentence: str
) -> None:
    crate("new", "1.0.0").write(closed / "drop")
    (closed / path).chmod(mode)
    done = denied(closed, *arguments)
    assert done.returncode == code, done
    assert sentence in done.stderr
    assert path.rpartition("/")[2] in done.stderr or "stage" in done.stderr


def test_a_dropped_file_without_a_right_to_read_is_refused_and_the_others_published(closed: Path) -> None:
    crate("new", "1.0.0").write(closed / "drop")
    crate("other", "1.0.0").write(closed / "drop")
    (closed / "drop/new-1.0.0.crate").chmod(0)
    done = denied(closed, "build")
    assert done.returncode == 1
    assert (
        "error[file-unreadable]: The file cannot be read: Permission denied.\n  --> drop/new-1.0.0.crate" in done.stdout
    )
    assert "Published other 1.0.0" in done.stdout


def test_a_folder_that_cannot_be_listed_is_refused_and_no_file_that_waits(closed: Path) -> None:
    crate("new", "1.0.0").write(closed / "drop/team")
    (closed / "drop/team").chmod(0)
    sentence = "The folder 'team' cannot be listed, so nothing in it is read: Permission denied."
    done = denied(closed, "status")
    assert done.returncode == 0, done
    assert "waiting: 0\nrefused: 1\n" in done.stdout
    assert f"error[file-unreadable]: {sentence}\n" in done.stdout
    assert sentence in denied(closed, "build").stdout
    (closed / "drop/team").chmod(0o755)


def test_verify_goes_on_after_an_archive_that_may_not_be_read(closed: Path) -> None:
    (closed / "public/index/stray").write_bytes(b"")
    path = next((closed / "public/crates/foo").glob("*.crate"))
    path.chmod(0)
    done = denied(closed, "verify")
    assert done.returncode == 1, done
    assert "error[archive-unread]: What is held of foo 1.0.0 cannot be read." in done.stdout
    assert "cannot read: Permission denied" in done.stdout
    assert "error[file-stray]" in done.stdout


def test_check_settings_asks_for_the_right_to_empty_the_drop_directory(closed: Path) -> None:
    (closed / "drop").chmod(0o555)
    assert denied(closed, "check-settings").returncode == 0
    done = denied(closed, "check-settings", "--drop-after-publish", "delete")
    assert done.returncode == 3
    assert "this user may not take files from" in done.stderr


def test_init_where_nothing_may_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    done = denied(tmp_path, "init")
    tmp_path.chmod(0o755)
    assert done.returncode == 3
    assert "cannot be written: Permission denied. Mend that, or begin in another folder." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_no_fault_of_the_crate(fresh: Path, small_disk: Path) -> None:
    crate("large", "1.0.0").file("data", os.urandom(400_000)).write(fresh / "drop")
    settings = ["--tree", str(small_disk / "public"), "--no-pages"]
    ended = run("build", *settings, cwd=fresh)
    ended.failed(3, "No space left on device. The disk is full: make room, then run this again.")
    assert "Refused" not in ended.out
    run("verify", *settings, cwd=fresh)
    subprocess.run([need("mount"), "-o", "remount,size=2m", small_disk], check=True)
    assert "3 published" in run("build", *settings, cwd=fresh).ok()
    run("verify", *settings, cwd=fresh).ok()


def test_a_full_disk_below_the_state_is_named(fresh: Path, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(190_000))
    run("build", "--state", str(small_disk / "state"), cwd=fresh).failed(3, "small/state", "with `--state`")


def test_on_a_narrow_terminal_everything_can_be_read(fresh: Path) -> None:
    code, screen = run_on_terminal("build", "--help", cwd=fresh, env={"COLUMNS": "40"})
    assert code == 0
    # Examples stand as they are typed, and names of options are not broken.
    lines = [line for line in screen.partition("Examples:")[0].splitlines() if not line.startswith("  --")]
    assert max(map(len, lines)) <= 52
    code, screen = run_on_terminal("build", cwd=fresh, env={"COLUMNS": "40"})
    assert code == 0
    assert "foo 1.0.0" in screen


def test_two_builds_at_once_wait_for_each_other(fresh: Path) -> None:
    for each in range(150):
        crate(f"c{each}", "1.0.0").write(fresh / "drop")
    both = [
        subprocess.Popen(
            [*PROGRAM, "build", "-q", "--no-pages"], cwd=fresh, env=environment(), stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert [(process.communicate(timeout=120)[1], process.returncode) for process in both] == [("", 0), ("", 0)]
    run("verify", cwd=fresh).ok()
    assert len(run("list", cwd=fresh).ok().splitlines()) == 152


def test_the_url_of_the_index_is_no_base_url(tmp_path: Path) -> None:
    ended = run("init", "--base-url", "https://crates.example.com/index/", cwd=tmp_path)
    ended.failed(2, "is that of the index", "write 'https://crates.example.com/'")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["yank", "foo", "1.0.0"], "did you mean `foo@1.0.0`?"),
        (["remove", "foo", "1.0.0", "--yes"], "did you mean `foo@1.0.0`?"),
        (["yank", "fooo@1.0.0"], "did you mean 'foo'?"),
        (["reindex", "fooo", "--yes"], "did you mean 'foo'?"),
        (["info", "fooo"], "did you mean 'foo'?"),
        (["info", "quite-another"], "`list` shows what is held"),
        (["delete", "foo@1.0.0"], "Did you mean 'remove'?"),
        (["build", "--out", "public"], "(Possible options: --tree)"),
    ],
)
def test_what_is_named_otherwise_elsewhere_is_guessed(built: Path, arguments: list[str], meant: str) -> None:
    assert meant.lower() in run(*arguments, cwd=built).err.lower()


def test_a_move_says_from_where_to_where(built: Path) -> None:
    said = run("build", "--move", "--base-url", "https://new.example.com/", cwd=built).err
    assert re.search(r"the registry moves from http\S+ to https://new\.example\.com/\n", said)


def test_a_umask_that_hides_a_new_tree_from_web_servers_is_told(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    script = 'umask 077; "$@"'
    build = ["sh", "-c", script, "sh", *PROGRAM, "build"]
    said = subprocess.run(build, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True).stderr
    assert "the umask 077 keeps other users out of the tree" in said
    with_modes = [*build, "--tree", "other", "--tree-file-mode", "0644", "--tree-dir-mode", "0755"]
    said = subprocess.run(
        with_modes, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    ).stderr
    assert "umask" not in said


def test_the_same_problem_of_many_crates_is_said_once(tmp_path: Path) -> None:
    for number in range(20):
        needy = crate(f"needs-{number}").dependency("base")
        needy.write(tmp_path / "drop")
    crate("base").write(tmp_path / "drop")
    ended = run("build", cwd=tmp_path)
    assert ended.code == 1
    assert ended.out.count("error[") == 3
    assert ended.out.count("     Refused needs-") == 20
    assert len(ended.out.splitlines()) < 40
    assert "note: 20 files have " in ended.err
    assert ended.err.partition("= help: ")[2].startswith('Set `mode = "mirror"` in `[registry]`')
    shutil.rmtree(tmp_path / ".cargo-static-index")
    assert run("build", "-v", cwd=tmp_path).out.count("error[") == 20
