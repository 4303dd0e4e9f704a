import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.protocol.index_entry import parse_entry
from cargo_static_index.store.local.store import LocalStore
from tests.cli.program import run, run_on_terminal
from tests.crates import crate
from tests.world import contents

CLOCK = {"SOURCE_DATE_EPOCH": "1700000000"}


def tree(folder: Path) -> dict[str, str]:
    """Give the digests of all files of the tree by path."""
    files = contents(LocalStore(folder / "public"))
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def index(folder: Path, path: str) -> list[bytes]:
    return (folder / "public/index" / path).read_bytes().splitlines()


# init, build, add, check, entry


def test_init_writes_settings_the_drop_directory_and_the_schema_for_editors(tmp_path: Path) -> None:
    ended = run("init", "--name", "acme", "--base-url", "https://crates.example.com", cwd=tmp_path)
    assert ended.ok() == "       Wrote registry.toml\n        Made drop/\n"
    text = (tmp_path / "registry.toml").read_text()
    assert 'name = "acme"' in text
    assert 'base-url = "https://crates.example.com/"' in text
    assert (tmp_path / "drop").is_dir()
    assert (tmp_path / ".cargo-static-index/registry-settings.schema.json").is_file()
    run("check-settings", cwd=tmp_path).ok()


def test_init_takes_every_setting_and_writes_it(tmp_path: Path) -> None:
    given = ["--mode", "mirror", "--drop", "in", "--tree-file-mode", "0644", "--no-pages", "--rule", "vcs-dirty=refuse"]
    run("init", *given, "--aliases", "https://a.example/", "--aliases", "https://b.example/", cwd=tmp_path).ok()
    shown = run("build", "--show-settings", cwd=tmp_path).ok()
    for line in (
        'registry.mode = "mirror"  # from registry.toml',
        "registry.pages = false  # from registry.toml",
        'tree.file-mode = "0644"  # from registry.toml',
        'registry.aliases = ["https://a.example/", "https://b.example/"]  # from registry.toml',
        'rules.vcs-dirty = "refuse"  # from registry.toml',
    ):
        assert line in shown
    assert (tmp_path / "in").is_dir()


def test_init_touches_no_registry_toml(fresh: Path) -> None:
    before = (fresh / "registry.toml").read_bytes()
    run("init", "--name", "other", cwd=fresh).failed(2, "registry.toml is there already: edit it")
    assert (fresh / "registry.toml").read_bytes() == before


def test_build_publishes_and_lists_what_became_of_each_file(fresh: Path) -> None:
    (fresh / "drop/page.crate").write_text("<html>not found</html>")
    os.utime(fresh / "drop/page.crate", (0, 0))
    ended = run("build", cwd=fresh)
    assert ended.code == 1
    assert ended.err == "note: a new registry begins in public, for https://crates.example.com/\n"
    assert re.sub(r"[0-9]+ files", "N files", ended.out) == (
        "     Refused drop/page.crate\n"
        "error[file-not-gzip]: The file is not a gzip archive: it looks like an HTML page.\n"
        "  --> drop/page.crate\n"
        f"   = help: {RULES['file-not-gzip'].way_out}\n"
        "   Published bar 0.1.0\n"
        "   Published foo 1.0.0\n"
        "       Wrote N files of the tree (-v lists them)\n"
        "    Finished 2 published, 1 refused\n"
    )


def test_a_second_build_finds_nothing_new(built: Path) -> None:
    before = tree(built)
    assert run("build", cwd=built).ok().splitlines() == ["    Finished nothing new"]
    assert tree(built) == before


def test_verbose_names_the_paths_that_were_written(fresh: Path) -> None:
    out = run("build", "-v", cwd=fresh).ok()
    assert "       Wrote index/3/f/foo\n" in out
    assert "       Wrote index/config.json\n" in out


def test_a_dry_run_prints_the_plan_and_changes_nothing(fresh: Path) -> None:
    out = run("build", "--dry-run", cwd=fresh).ok()
    assert "Would publish foo 1.0.0\n" in out
    assert " Would write index/3/f/foo\n" in out
    assert not (fresh / "public").exists()
    run("build", cwd=fresh).ok()
    before = tree(fresh)
    for command in (["yank", "foo@1.0.0"], ["remove", "foo@1.0.0"], ["rebuild"], ["reindex"]):
        run(*command, "-n", cwd=fresh).ok()
    crate("baz", "1.0.0").write(fresh)
    assert "Would publish baz 1.0.0" in run("add", "-n", "baz-1.0.0.crate", cwd=fresh).ok()
    assert tree(fresh) == before


def test_build_works_without_settings_and_says_which_base_url_it_took(tmp_path: Path) -> None:
    crate("foo", "1.0.0").write(tmp_path / "in")
    ended = run("build", "--drop", "in", "--tree", "out", cwd=tmp_path)
    assert "Published foo 1.0.0" in ended.ok()
    assert ended.err == (
        "note: No base URL is given, so the tree is made for http://127.0.0.1:8000/.\n"
        "note: a new registry begins in out, for http://127.0.0.1:8000/\n"
    )


def test_a_base_url_changes_with_move_only(built: Path) -> None:
    err = run("build", "--base-url", "https://new.example/", cwd=built).failed(2)
    assert "served at https://crates.example.com/, and the settings say https://new.example/" in err
    run("build", "--base-url", "https://new.example/", "--move", cwd=built).ok()
    assert json.loads((built / "public/index/config.json").read_text())["dl"].startswith("https://new.example/")


def test_all_or_nothing_publishes_none_where_one_is_refused(fresh: Path) -> None:
    (fresh / "bad.crate").write_bytes(b"")
    ended = run("add", "--all-or-nothing", "drop/foo-1.0.0.crate", "bad.crate", cwd=fresh)
    assert ended.code == 1
    assert "Not published foo 1.0.0" in ended.out
    assert run("list", cwd=fresh).ok() == ""


def test_files_that_leave_the_drop_directory_are_said(fresh: Path) -> None:
    (fresh / "drop/empty.crate").write_bytes(b"")
    options = ("--drop-after-publish", "delete", "--drop-refused", "bad")
    count = len(list((fresh / "drop").glob("*.crate"))) - 1
    ended = run("build", *options, cwd=fresh)
    assert f"Deleted {count} dropped files\n" in ended.out
    assert "Moved 1 dropped file to bad/\n" in ended.out
    crate("late", "1.0.0").write(fresh / "drop")
    said = run("build", "-v", "--drop-after-publish", "done", cwd=fresh).ok()
    assert "Moved drop/late-1.0.0.crate to done/late-1.0.0.crate\n" in said


def test_files_refused_before_warn_and_count_with_strict_only(fresh: Path) -> None:
    (fresh / "drop/empty.crate").write_bytes(b"")
    run("build", cwd=fresh).failed(1)
    again = run("build", cwd=fresh)
    assert again.code == 0
    assert "warning: 1 file is refused as before (-v lists them, `status` says why)\n" in again.err
    assert "empty.crate" not in again.err
    listed = run("build", "-v", cwd=fresh).err
    assert "warning: drop/empty.crate was refused before and is as it was (file-empty)\n" in listed
    assert run("build", "--strict", cwd=fresh).code == 1


def test_a_named_file_that_was_just_written_is_judged_at_once(tmp_path: Path) -> None:
    (tmp_path / "cut.crate").write_bytes(crate("foo", "1.0.0").build()[:100])
    assert "error[gzip-damaged]" in run("check", "cut.crate", cwd=tmp_path).out
    assert run("add", "cut.crate", cwd=tmp_path).code == 1


def test_check_publishes_nothing_and_leaves_no_trace(fresh: Path) -> None:
    before = sorted(fresh.rglob("*"))
    assert run("check", "drop/foo-1.0.0.crate", cwd=fresh).ok() == "        Good foo 1.0.0\n    Finished 1 good\n"
    assert sorted(fresh.rglob("*")) == before


def test_check_holds_files_against_the_tree(built: Path) -> None:
    crate("foo", "1.0.0").file("src/lib.rs", "// other").write(built)
    ended = run("check", "foo-1.0.0.crate", "drop/bar-0.1.0.crate", cwd=built)
    assert ended.code == 1
    assert "error[release-conflict]" in ended.out
    assert "        Held bar 0.1.0\n" in ended.out


def test_entry_prints_the_line_that_build_writes_less_its_time_and_nothing_else(fresh: Path) -> None:
    ended = run("entry", "drop/foo-1.0.0.crate", cwd=fresh)
    run("build", cwd=fresh, env=CLOCK).ok()
    assert ended.err == ""
    written = (fresh / "public/index/3/f/foo").read_text()
    assert written.endswith(',"pubtime":"2023-11-14T22:13:20Z"}\n')
    assert ended.ok() == written.replace(',"pubtime":"2023-11-14T22:13:20Z"', "")


def test_entry_of_a_refused_file_prints_nothing_and_says_why(tmp_path: Path) -> None:
    crate("nul", "1.0.0").write(tmp_path)
    ended = run("entry", "nul-1.0.0.crate", cwd=tmp_path)
    assert ended.out == ""
    ended.failed(1, "error[reserved-name]", "--> nul-1.0.0.crate", "= help: ")


# yank, unyank, remove, restore


def test_where_a_crate_is_removed_only_a_file_that_may_take_its_name_is_judged_again(built: Path) -> None:
    (built / "drop/empty.crate").write_bytes(b"")
    crate("Foo", "2.0.0").write(built / "drop")
    for file in (built / "drop").iterdir():
        os.utime(file, (0, 0))
    run("build", cwd=built).failed(1)
    run("build", cwd=built).ok()
    run("remove", "foo@1.0.0", "--yes", cwd=built).ok()
    ended = run("build", cwd=built)
    assert "Published Foo 2.0.0" in ended.out
    assert "1 file is refused as before" in ended.err


@pytest.mark.parametrize(
    ("forward", "back"),
    [
        (["yank", "foo@1.0.0"], ["unyank", "foo@1.0.0"]),
        (["yank", "foo", "--version", "1.0.0"], ["yank", "foo@1.0.0", "--undo"]),
    ],
)
def test_a_release_is_yanked_and_back(built: Path, forward: list[str], back: list[str]) -> None:
    before = index(built, "3/f/foo")
    assert run(*forward, cwd=built).ok() == "      Yanked foo@1.0.0\n"
    assert parse_entry(index(built, "3/f/foo")[0]).yanked
    assert run("list", cwd=built).ok() == "bar@0.1.0\nfoo@1.0.0  (yanked)\n"
    assert run(*forward, cwd=built).ok() == "   Unchanged foo@1.0.0 was yanked before\n"
    assert run(*back, cwd=built).ok() == "    Unyanked foo@1.0.0\n"
    assert index(built, "3/f/foo") == before


def test_a_plan_says_what_is_written_and_what_is_deleted(built: Path) -> None:
    archive = f"crates/foo/{crate_sum(built, 'foo')}.crate"
    planned = run("remove", "foo@1.0.0", "-n", cwd=built).ok()
    assert " Would write crates/foo/removed.json\n" in planned
    assert "Would write index/3/f/foo\n" in planned
    assert f"Would delete {archive}\n" in planned
    done = run("remove", "foo@1.0.0", "--yes", "-v", cwd=built).ok()
    words = {"Would write": "Wrote", "Would delete": "Deleted", "Would remove": "Removed"}
    assert [line.split() for line in done.splitlines()] == [
        [words[line[:12].strip()], *line[12:].split()] for line in planned.splitlines()
    ]


def test_a_removal_says_until_when_the_archive_is_kept_and_status_and_verify_say_it_too(built: Path) -> None:
    archive = built / f"public/crates/foo/{crate_sum(built, 'foo')}.crate"
    ended = run("remove", "foo@1.0.0", "--yes", "--keep-removed", "1h", cwd=built)
    [until] = re.findall(r"note: the archive of foo@1\.0\.0 is kept until (\S+Z); --now deletes it at once", ended.err)
    assert f"removed, archives kept: 1\n  foo@1.0.0 until {until}\n" in run("status", cwd=built).ok()
    kept = [{"name": "foo", "version": "1.0.0", "until": until}]
    for command in ("status", "verify"):
        assert json.loads(run(command, "--json", cwd=built).ok())["kept"] == kept
    ended = run("verify", cwd=built)
    assert (ended.ok(), ended.err.count("archives are kept of 1 removed release")) == (
        "    Finished nothing is wrong\n",
        1,
    )
    run("build", cwd=built)
    assert archive.exists()
    assert run("remove", "foo@1.0.0", "--yes", "--now", cwd=built).ok() == "   Unchanged foo@1.0.0 was removed before\n"
    assert not archive.exists()
    assert "kept" not in run("status", cwd=built).ok()


def test_a_restored_release_is_refused_no_more(built: Path) -> None:
    run("remove", "foo@1.0.0", "--yes", cwd=built).ok()
    run("build", cwd=built).failed(1)
    run("add", "--restore", "drop/foo-1.0.0.crate", cwd=built).ok()
    run("build", "--strict", cwd=built).ok()
    assert "refused: 0" in run("status", cwd=built).ok()
    assert "Nothing is refused" in (built / "public/refused.html").read_text()


def test_what_was_moved_away_and_then_restored_is_refused_no_more(built: Path) -> None:
    run("remove", "foo@1.0.0", "--yes", cwd=built).ok()
    away = run("build", "--drop-refused", "away", cwd=built).out
    assert "`cargo-static-index add --restore` and the file, foo-1.0.0.crate." in away
    assert "foo-<wbr>1.0.0.crate" in (built / "public/refused.html").read_text()
    run("add", "--restore", "away/foo-1.0.0.crate", "--drop-refused", "away", cwd=built).ok()
    run("build", "--drop-refused", "away", cwd=built).ok()
    assert "Nothing is refused" in (built / "public/refused.html").read_text()


def test_removing_wants_yes_where_nobody_can_be_asked(built: Path) -> None:
    run("remove", "foo@1.0.0", cwd=built).failed(2, "removing is for good: say --yes where nobody can be asked")
    assert run("remove", "foo", "--all", "--yes", cwd=built).ok() == "     Removed foo@1.0.0\n"
    assert (built / "public/index/3/f/foo").read_bytes() == b""
    assert "error[removed-release]" in run("build", cwd=built).out
    for command in (
        ["info", "foo"],
        ["info", "foo@1.0.0"],
        ["list", "foo"],
        ["yank", "foo@1.0.0"],
        ["unyank", "foo@1.0.0"],
    ):
        run(*command, cwd=built).failed(2, "foo 1.0.0 was removed; `add --restore FILE` brings a release back")
    assert "Published foo 1.0.0" in run("add", "--restore", "drop/foo-1.0.0.crate", cwd=built).ok()


def test_removing_again_is_no_mistake_and_finishes_what_broke_off(built: Path) -> None:
    before = {path: path.read_bytes() for path in (built / "public/crates/foo").glob("?" * 64 + ".*")}
    run("remove", "foo@1.0.0", "--yes", cwd=built).ok()
    removed = tree(built)
    unchanged = "   Unchanged foo@1.0.0 was removed before\n"
    assert run("remove", "foo@1.0.0", "--yes", cwd=built).ok() == unchanged
    assert run_on_terminal("remove", "foo@1.0.0", cwd=built)[0] == 0
    for path, content in before.items():
        path.write_bytes(content)
    shutil.rmtree(built / ".cargo-static-index")
    planned = run("remove", "foo", "bar", "--all", "--dry-run", cwd=built).ok()
    assert planned.endswith("Would remove bar@0.1.0\n   Unchanged foo was removed before\n")
    again = run("remove", "foo@1.0.0", "--yes", cwd=built)
    assert again.ok() == unchanged
    assert again.err == "note: The removal of foo 1.0.0, which had broken off, is finished.\n"
    assert tree(built) == removed


# list, info, search


def test_list_gives_releases_as_other_commands_take_them(built: Path) -> None:
    assert run("list", cwd=built).ok() == "bar@0.1.0\nfoo@1.0.0\n"
    assert run("list", "foo", cwd=built).ok() == "foo@1.0.0\n"


def test_what_is_held_is_shown_without_a_catalogue_and_without_the_lock(built: Path) -> None:
    shutil.rmtree(built / ".cargo-static-index")
    assert run("list", cwd=built).ok() == "bar@0.1.0\nfoo@1.0.0\n"
    assert run("search", "foo", cwd=built).ok() == "foo 1.0.0  # Does foo.\n"
    assert not (built / ".cargo-static-index").exists()


def test_info_shows_the_newest_release_that_is_no_pre_release_and_not_yanked(built: Path) -> None:
    for version in ("1.2.0", "1.3.0", "2.0.0-rc.1"):
        crate("foo", version).write(built / "drop")
    run("build", cwd=built).ok()
    run("yank", "foo@1.3.0", cwd=built).ok()
    out = run("info", "foo", cwd=built).ok()
    assert "version: 1.2.0\n" in out
    assert "versions: 1.0.0, 1.2.0, 1.3.0, 2.0.0-rc.1\n" in out
    shown = run("info", "foo@1.0.0", cwd=built).ok()
    assert shown.startswith("foo\nDoes foo.\nversion: 1.0.0\n")
    assert f"download: https://crates.example.com/crates/foo/{crate_sum(built, 'foo')}.crate\n" in shown


def test_check_takes_folders_and_another_tree(built: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    crate("foo", "1.0.0").file("src/other.rs").write(elsewhere / "in/deep")
    crate("new").write(elsewhere / "in")
    assert run("check", "in", cwd=elsewhere).ok().endswith("Finished 2 good\n")
    ended = run("check", "in", "--against", str(built / "public"), cwd=elsewhere)
    assert ended.code == 1
    assert "error[release-conflict]" in ended.out
    run("check", "in", "--against", "nowhere", cwd=elsewhere).failed(2, "there is no registry in")
    (elsewhere / "empty").mkdir()
    run("check", "empty", cwd=elsewhere).failed(2, "'empty' holds no .crate file")


HERE = "sparse+https://crates.example.com/index/"


def test_info_shows_what_a_release_needs_and_who_needs_it(built: Path) -> None:
    baz = (
        crate("baz").dependency("foo", registry_index=HERE).dependency("bar", "0.1", kind="build", registry_index=HERE)
    )
    baz.feature("loud", ["foo/std"]).write(built / "drop")
    run("build", cwd=built).ok()
    shown = run("info", "baz", cwd=built).ok()
    assert "bar ^0.1 (build)" in shown
    assert "features: loud = [foo/std]\n" in shown
    assert "dependents: baz 1.0.0 (^1)\n" in run("info", "foo", cwd=built).ok()
    said = json.loads(run("info", "foo", "--json", cwd=built).ok())
    assert said["dependents"] == [{"name": "baz", "version": "1.0.0", "requirement": "^1", "kind": "normal"}]


def test_remove_names_who_depends_on_what_goes_and_the_file_that_still_lies_there(built: Path) -> None:
    crate("baz").dependency("foo", registry_index=HERE).write(built / "drop")
    run("build", cwd=built).ok()
    for more in (["--dry-run"], ["--yes"]):
        said = run("remove", "foo@1.0.0", *more, cwd=built).err
        assert "baz 1.0.0 depends on foo ^1, and foo@1.0.0 goes" in said
        assert "drop/foo-1.0.0.crate is still in the drop directory; the tombstone keeps it out" in said


def crate_sum(folder: Path, name: str) -> str:
    return parse_entry(index(folder, f"3/{name[0]}/{name}")[0]).cksum


@pytest.mark.parametrize("query", [["FOO"], ["does", "foo"], ["thing"]])
def test_search_looks_at_names_descriptions_and_keywords(built: Path, query: list[str]) -> None:
    assert run("search", *query, cwd=built).ok() == "foo 1.0.0  # Does foo.\n"


def test_a_search_that_finds_nothing_ends_with_1(built: Path) -> None:
    assert run("search", "nothing", cwd=built).code == 1


# verify, reindex, rebuild, status


def test_verify_says_once_what_ends_a_cause_that_it_finds_many_times(built: Path) -> None:
    for metadata in (built / "public/crates").glob(f"*/{'?' * 64}.json"):
        metadata.unlink()
    out = run("verify", "--quick", cwd=built).out
    assert out.count("error[metadata-missing]") > 1
    assert out.count("   = help: ") == 1


def test_verify_finds_what_is_wrong_and_fix_mends_it(built: Path) -> None:
    assert run("verify", cwd=built).ok() == "    Finished nothing is wrong\n"
    before = tree(built)
    metadata = next((built / "public/crates/foo").glob(f"{'?' * 64}.json"))
    metadata.unlink()
    broken = run("verify", "--quick", cwd=built)
    assert broken.code == 1
    assert (
        f"error[metadata-missing]: The metadata of foo 1.0.0 is not there.\n  --> public/crates/foo/{metadata.name}"
        in broken.out
    )
    assert "Finished 0 errors, 0 warnings, 1 fixed" in run("verify", "--fix", cwd=built).ok()
    assert tree(built) == before


def test_a_damaged_archive_is_found_and_mended_from_the_drop_directory_alone(built: Path) -> None:
    shutil.rmtree(built / "drop")
    (built / "drop").mkdir()
    archive = next((built / "public/crates/foo").glob("*.crate"))
    archive.write_bytes(archive.read_bytes()[:-1] + b"?")
    ended = run("verify", "--fix", cwd=built)
    assert ended.code == 1
    assert "error[archive-damaged]" in ended.out


def test_reindex_shows_the_difference_and_wants_yes(tmp_path: Path) -> None:
    run("init", "--base-url", "https://crates.example.com/", cwd=tmp_path).ok()
    old = "sparse+https://old.example/index/"
    crate("foo", "1.0.0").dependency("bar", "1", registry_index=old).write(tmp_path / "drop")
    run("build", cwd=tmp_path).ok()
    alias = ["--aliases", "https://old.example/"]
    before = index(tmp_path, "3/f/foo")
    planned = run("reindex", *alias, "--dry-run", cwd=tmp_path).ok()
    assert f"index/3/f/foo\n-{before[0].decode()}\n+" in planned
    run("reindex", *alias, cwd=tmp_path).failed(2, "say --yes where nobody can be asked")
    assert index(tmp_path, "3/f/foo") == before
    assert run("reindex", *alias, "--yes", cwd=tmp_path).ok().endswith("     Changed 1 line\n")
    assert parse_entry(index(tmp_path, "3/f/foo")[0]).deps[0].registry is None


def test_a_lost_tree_json_takes_the_mode_from_the_state_or_asks_for_it(tmp_path: Path) -> None:
    crate("foo", "1.0.0").dependency("bar").write(tmp_path / "drop")
    url = ["--base-url", "https://old.example.com/"]
    run("build", *url, "--mode", "mirror", cwd=tmp_path).ok()
    run("build", "--base-url", "https://new.example.com/", "--move", cwd=tmp_path).ok()
    before = tree(tmp_path)
    record = tmp_path / "public/tree.json"
    record.unlink()
    run("build", cwd=tmp_path).ok()
    assert tree(tmp_path) == before
    record.unlink()
    shutil.rmtree(tmp_path / ".cargo-static-index")
    run("build", cwd=tmp_path).failed(2, "its tree.json, which knew its mode and earlier base URLs, is lost; bring it")
    assert not record.exists()
    aliases = {"CARGO_STATIC_INDEX_REGISTRY_ALIASES": "https://old.example.com/"}
    run("verify", "--mode", "mirror", cwd=tmp_path, env=aliases).failed(1, "")
    run("build", "--mode", "mirror", cwd=tmp_path, env=aliases).ok()
    run("verify", cwd=tmp_path, env=aliases).ok()


def test_a_damaged_record_is_made_anew_and_a_damaged_config_says_what_helps(built: Path) -> None:
    before = tree(built)
    record, config = built / "public/tree.json", built / "public/index/config.json"
    record.write_text("{")
    assert "error[record-wrong]" in run("verify", cwd=built).out
    run("build", cwd=built).ok()
    assert tree(built) == before
    config.write_text("{")
    run("build", cwd=built).failed(2, "`build --move`")
    assert "needs `--move`" in run("verify", cwd=built).out
    run("build", "--move", cwd=built).ok()
    assert tree(built) == before
    newer = record.read_text().replace('"format": 2', '"format": 3').replace('"needs": "', '"needs": "9.')
    record.write_text(newer)
    assert "use cargo-static-index 9." in run("verify", cwd=built).out


def test_rebuild_changes_no_byte_of_the_tree(built: Path) -> None:
    before = tree(built)
    assert run("rebuild", cwd=built).ok() == "     Rebuilt 2 crates, 2 releases\n"
    assert tree(built) == before


def test_status_says_what_waits_and_what_is_refused_and_why(fresh: Path) -> None:
    assert "last build: never\nwaiting: 2\n  drop/bar-0.1.0.crate\n" in run("status", cwd=fresh).ok()
    (fresh / "drop/empty.crate").write_bytes(b"")
    os.utime(fresh / "drop/empty.crate", (0, 0))
    run("build", cwd=fresh).failed(1)
    crate("new", "1.0.0").write(fresh / "drop")
    out = run("status", cwd=fresh).ok()
    assert "registry: https://crates.example.com/, 2 crates, 2 releases\n" in out
    assert "waiting: 1\n  drop/new-1.0.0.crate\nrefused: 1\nerror[file-empty]" in out


def test_a_stale_registry_ends_with_1(built: Path) -> None:
    run("status", "--max-age", "10m", cwd=built).ok()
    later = {"SOURCE_DATE_EPOCH": "4000000000"}
    stale = run("status", "--max-age", "10m", cwd=built, env=later)
    assert stale.code == 1
    assert " (stale)\n" in stale.out
    before = {"SOURCE_DATE_EPOCH": "1000000000"}
    assert run("status", "--max-age", "10m", cwd=built, env=before).code == 1, "a clock that was ahead tells no age"
    run("status", "--max-age", "soon", cwd=built).failed(2, "'soon' must be a number and a unit, such as 90s, 10m")


def test_a_template_whose_name_is_misspelt_is_told(fresh: Path) -> None:
    (fresh / "own/parts").mkdir(parents=True)
    (fresh / "own/parts/ask.html").write_text("<p>Ask us.</p>")
    for quiet in ("parts/README.md", ".swap", "parts/.swap"):
        (fresh / "own" / quiet).write_text("")
    (fresh / "own/crates.html").write_text('{% extends "shipped/crate.html" %}')
    (fresh / "own/header.html").write_text('{% include "parts/ask.html" %}')
    for command in ("build", "check-settings"):
        told = run(command, "--pages-templates", "own", cwd=fresh)
        told.ok()
        assert "'crates.html' takes the place of no template or asset, and none names it: did you mean" in told.err
        assert "ask.html" not in told.err
        assert told.err.count("takes the place of no template") == 1


def test_a_build_whose_pages_failed_is_none_that_ended(fresh: Path) -> None:
    (fresh / "own").mkdir()
    template = fresh / "own/crate.html"
    template.write_text("{% block")
    for command in ("build", "check-settings"):
        run(command, "--pages-templates", "own", cwd=fresh).failed(2, "pages.templates: the template 'crate.html'")
    assert not (fresh / "public/crates").exists()
    template.write_text("{{ nothing }}")
    run("build", "--pages-templates", "own", cwd=fresh).failed(2, "crate.html")
    assert "last build: never\n" in run("status", cwd=fresh).ok()
    run("build", cwd=fresh).ok()
    assert "last build: never\n" not in run("status", cwd=fresh).ok()


def test_after_an_earlier_tree_was_restored_status_says_what_the_next_build_publishes(built: Path) -> None:
    shutil.copytree(built / "public", built / "backup")
    crate("new", "1.0.0").write(built / "drop")
    run("build", cwd=built).ok()
    shutil.rmtree(built / "public")
    (built / "backup").rename(built / "public")
    before = tree(built)
    assert "waiting: 1\n  drop/new-1.0.0.crate\n" in run("status", cwd=built).ok()
    assert tree(built) == before
    assert "Published new 1.0.0" in run("build", cwd=built).ok()


# explain, check-settings, help, completion


def test_explain_prints_the_rule_s_part_of_the_page(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/rules.md").read_text()
    for known in ("file-empty", "page-missing"):
        assert run("explain", known, cwd=tmp_path).ok() in page
    ended = run("explain", "name-collision", cwd=tmp_path)
    assert ended.ok().count("###") == 1
    assert "note: `crates-collide` was called `name-collision` too: " in ended.err
    run("explain", "file-emtpy", cwd=tmp_path).failed(2, "there is no rule 'file-emtpy': did you mean `file-empty`?")


def test_check_settings_holds_them_against_the_tree(built: Path) -> None:
    run("check-settings", cwd=built).ok()
    run("check-settings", "--base-url", "https://x.example/", cwd=built).failed(2, "the tree is served at")
    (built / "drop").rename(built / "gone")
    run("check-settings", cwd=built).failed(2, "the drop directory", "is not there; make it, or name another")


def test_help_of_a_command_is_what_its_option_prints(tmp_path: Path) -> None:
    assert run("help", "build", cwd=tmp_path).ok() == run("build", "--help", cwd=tmp_path).ok()
    run("help", "biuld", cwd=tmp_path).failed(2, "there is no command 'biuld': did you mean `build`?")


def test_completion_knows_commands_and_options(tmp_path: Path) -> None:
    assert "complete -o default" in run("generate-shell-completion", "bash", cwd=tmp_path).ok()
    asked = {"_CARGO_STATIC_INDEX_COMPLETE": "bash", "COMP_WORDS": "un"}
    assert run(cwd=tmp_path, env=asked).out == "unyank\n"
    options = {**asked, "COMP_WORDS": "build\n--all"}
    assert run(cwd=tmp_path, env=options).out == "--all-or-nothing\n"


# what every command takes


def test_global_options_stand_before_or_after_the_command(
    built: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    away = tmp_path_factory.mktemp("away")
    assert run("-C", built, "list", "foo", cwd=away).ok() == "foo@1.0.0\n"
    assert run("list", "foo", "-C", built, cwd=away).ok() == "foo@1.0.0\n"
    assert run("list", "--config", built / "registry.toml", "foo", cwd=away).ok() == "foo@1.0.0\n"
    assert run("list", "foo", cwd=away, env={"CARGO_STATIC_INDEX_CONFIG": str(built / "registry.toml")}).ok()


def test_settings_come_from_option_before_variable_before_file(built: Path) -> None:
    variable = {"CARGO_STATIC_INDEX_DROP_PATH": "from-env"}
    shown = run("--show-settings", cwd=built).ok()
    assert 'registry.name = "acme"  # from registry.toml\n' in shown
    assert "from CARGO_STATIC_INDEX_DROP_PATH\n" in run("--show-settings", cwd=built, env=variable).ok()
    assert "  # from --drop\n" in run("build", "--drop", "x", "--show-settings", cwd=built, env=variable).ok()


def test_an_unknown_variable_of_ours_warns(built: Path) -> None:
    ended = run("build", cwd=built, env={"CARGO_STATIC_INDEX_DORP_PATH": "x"})
    ended.ok()
    assert "warning: " in ended.err
    assert "CARGO_STATIC_INDEX_DORP_PATH" in ended.err
    assert "CARGO_STATIC_INDEX_DROP_PATH" in ended.err


@pytest.mark.parametrize("arguments", [["-V"], ["--version"], ["build", "-V"], ["static-index", "--version"]])
def test_the_version_is_one_line(tmp_path: Path, arguments: list[str]) -> None:
    assert run(*arguments, cwd=tmp_path).ok() == "cargo-static-index 0.2.0\n"


def test_the_program_answers_to_cargo(built: Path) -> None:
    assert run("static-index", "list", "foo", cwd=built).ok() == "foo@1.0.0\n"


def test_quiet_leaves_what_is_wrong_and_very_quiet_only_errors(fresh: Path) -> None:
    (fresh / "drop/empty.crate").write_bytes(b"")
    once = run("build", "-q", cwd=fresh).out
    assert once.startswith("     Refused drop/empty.crate\nerror[file-empty]") or "Waiting" in once
    assert "Published" not in once
    (fresh / "drop/again.crate").write_bytes(b"")
    assert run("build", "-qq", cwd=fresh).out.startswith("error[file-empty]: The file is empty.\n")
    crate("other", "1.0.0").dependency("foo", registry_index="sparse+https://x.example/").write(fresh / "drop")
    assert "warning[foreign-registry]" in run("check", "-q", "drop/other-1.0.0.crate", cwd=fresh).out
    assert run("check", "-qq", "drop/other-1.0.0.crate", cwd=fresh).out == ""
