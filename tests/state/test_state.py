"""The state forgets nothing that was written, knows damage when it meets it, and never reads a whole table."""

import os
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cargo_static_index import state as package
from cargo_static_index.crate.candidate import Candidate, DropFile, FileStatus, Need, Outcome
from cargo_static_index.diagnostics.errors import StateDamaged, StoreError
from cargo_static_index.diagnostics.problems import problem
from cargo_static_index.state import (
    CrateChange,
    Release,
    Remaking,
    SiteState,
    State,
    discard_state,
    open_state,
    schema,
)
from cargo_static_index.state.directory import file_system_of
from cargo_static_index.state.files import NOTHING, UNTRUSTED, add_fingerprints

STATEMENTS = {
    name: value
    for name, value in vars(schema).items()
    if isinstance(value, str) and name.isupper() and name not in {"TABLES", "TEMPORARY_TABLES"}
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def state(place: Path) -> Iterator[State]:
    with open_state(place) as opened:
        yield opened


def release(vers: str, pubtime: str | None = None, *, yanked: bool = False) -> Release:
    return Release(vers=vers, cksum=vers * 3, yanked=yanked, pubtime=pubtime)


def crate(name: str, *releases: Release, gone: tuple[str, ...] = ()) -> CrateChange:
    key = name.lower().replace("-", "_")
    return CrateChange(key=key, name=name, releases=releases or (release("1.0.0"),), gone=gone)


def dropped(path: str, fingerprint: bytes = b"f" * 16, status: FileStatus = "published") -> Outcome:
    return Outcome(candidate=Candidate(file=drop_file(path, fingerprint)), status=status)


def drop_file(path: str, fingerprint: bytes = b"f") -> DropFile:
    folder, _, file = os.fsencode(path).rpartition(b"/")
    return DropFile(source="", folder=folder, file=file, seen=fingerprint)


# how statements are run


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_reads_a_whole_table_or_sorts_one(place: Path, state: State, name: str) -> None:
    statement = STATEMENTS[name]
    with sqlite3.connect(place / package.DATABASE) as plain:
        plain.executescript(schema.TEMPORARY_TABLES)
        plain.execute(schema.CANDIDATE_FILES)
        values = [None] * statement.count("?")
        plan = [row[3] for row in plain.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    plain.close()
    whole = [step for step in plan if "SCAN" in step and step not in ALLOWED_SCANS.get(name, ())]
    sorts = [step for step in plan if "TEMP B-TREE" in step and name not in SORTS_THE_ROWS_OF_ONE_CRATE]
    assert (whole, sorts) == ([], [])


ALLOWED_SCANS = {
    "CANDIDATES_COUNT": ("SCAN candidate USING COVERING INDEX candidate_key",),  # what one pass has read, once
    "CRATE_NAMES": ("SCAN json_each VIRTUAL TABLE INDEX 1:",),  # of the names that are asked for
    "CHECKSUMS_OF": ("SCAN wanted VIRTUAL TABLE INDEX 1:",),  # of the releases that are asked for
    "CANDIDATE_NAMES": ("SCAN json_each VIRTUAL TABLE INDEX 1:",),
    "CANDIDATE_VERSIONS": ("SCAN json_each VIRTUAL TABLE INDEX 1:",),
    "REMOVED_NAMES": ("SCAN json_each VIRTUAL TABLE INDEX 1:",),
    "VERSIONS_OF": ("SCAN json_each VIRTUAL TABLE INDEX 1:",),
    "INDEXED_CLEAR": ("SCAN indexed",),  # where the whole index is read again, each file is told to searches
    "SOUND": ("SCAN tally",),  # of four rows
    "CANDIDATES_REFUSED": ("SCAN temp.candidate USING COVERING INDEX candidate_file",),  # of what this pass read
    "UNDELIVERED_COUNT": ("SCAN (subquery-1)",),  # of as many rows as its LIMIT says
    "RELEASES_NEWEST": ("SCAN release USING INDEX release_newest",),  # in order, and stops at its LIMIT
}
SORTS_THE_ROWS_OF_ONE_CRATE = {"RELEASES_OF"}


# opening


def test_the_state_folder_is_hidden_from_git_and_from_backups(place: Path, state: State) -> None:
    assert (place / ".gitignore").read_text() == "*\n"
    assert (place / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_what_was_written_is_there_at_the_next_opening(place: Path) -> None:
    with open_state(place) as first:
        assert first.fresh
        first.site = SiteState(known_tree=b"\x00bytes", sitemap_stale=True)
        first.site = replace(first.site, sitemap_stale=False, remaking=Remaking(fingerprint="f", first=True))
    with open_state(place) as second:
        assert not second.fresh
        assert second.site == SiteState(known_tree=b"\x00bytes", remaking=Remaking(fingerprint="f", first=True))


def of_another_version(file: Path) -> None:
    with sqlite3.connect(file) as plain:
        plain.execute("PRAGMA user_version = 7")
    plain.close()


def no_database(file: Path) -> None:
    file.write_bytes(b"<html>not found</html>" * 1000)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut_short(file: Path) -> None:
    os.truncate(file, 4096)


def without_a_table(file: Path) -> None:
    with sqlite3.connect(file) as plain:
        plain.execute("DROP TABLE tally")
    plain.close()


def a_log_of_nonsense(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    file.with_name(file.name + "-wal").write_bytes(b"nonsense" * 1000)


@pytest.mark.parametrize(
    "spoil", [of_another_version, no_database, empty, cut_short, without_a_table, a_log_of_nonsense]
)
def test_a_file_that_cannot_be_used_is_made_anew(place: Path, spoil: Callable[[Path], None]) -> None:
    with open_state(place) as first:
        first.site = SiteState(last_build=1)
    spoil(place / package.DATABASE)
    with open_state(place) as second:
        assert second.fresh
        assert second.site == SiteState()
        second.site = SiteState(last_build=2)
    with open_state(place) as third:
        assert (third.fresh, third.site.last_build) == (False, 2)


def test_damage_met_while_at_work_is_said_and_is_mended_by_discarding(place: Path) -> None:
    with open_state(place) as first:
        first.published.update(crate(f"crate-{number}") for number in range(5000))
    file = place / package.DATABASE
    content = bytearray(file.read_bytes())
    pages_kept = 4096 * 40  # the roots of all tables, so that nothing is seen at the opening
    content[pages_kept:] = b"\xaa" * (len(content) - pages_kept)
    file.write_bytes(content)
    with open_state(place) as second:
        assert not second.fresh
        with pytest.raises(StateDamaged, match=r"is damaged \(.*\); the next build makes it anew from the tree\.$"):
            second.published.releases("crate-4001")
    discard_state(place)
    with open_state(place) as third:
        assert third.fresh


def test_a_folder_that_is_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with (
        pytest.raises(StoreError, match=r"^The state directory '.*state' cannot be used: File exists\. Mend that, or"),
        open_state(tmp_path / "state"),
    ):
        pass


def test_a_file_that_is_a_folder_is_an_error_that_names_it(place: Path) -> None:
    (place / package.DATABASE).mkdir(parents=True)
    with pytest.raises(StoreError, match=r"cannot be used: it cannot be opened"), open_state(place):
        pass


def test_a_full_disk_is_an_error_of_the_disk_not_damage(place: Path) -> None:
    program = f"""
import resource, signal
from pathlib import Path
from cargo_static_index.state import SiteState, open_state
from cargo_static_index.diagnostics.errors import StateDamaged, StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open_state(Path({str(place)!r})) as state:
    state.site = SiteState(known_tree=b"kept")
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        state.site = SiteState(known_tree=bytes(1_000_000))
    except StoreError as error:
        print(type(error).__name__, str(error).endswith("with `--state`."))
    print(state.site.known_tree)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.stdout) == ("", "StoreError True\nb'kept'\n")


MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /srv rw - nfs4 host:/export rw
31 22 0:41 / /srv/local rw master:3 - xfs /dev/vdb rw
32 22 0:42 / /with\040space rw - cifs //host/share rw
33 22 0:43 / /twice rw - ext4 /dev/vdc rw
34 33 0:44 / /twice rw - fuse.sshfs host: rw
""".strip()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/home/x", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/state", "nfs4"),
        ("/srvx", "ext4"),
        ("/srv/local/state", "xfs"),
        ("/with space/state", "cifs"),
        ("/twice/state", "fuse.sshfs"),
    ],
)
def test_the_file_system_of_a_folder_is_that_of_the_innermost_mount(folder: str, kind: str) -> None:
    assert file_system_of(folder, MOUNTS) == kind


# transactions


def test_what_fails_inside_a_transaction_leaves_nothing(state: State) -> None:
    def half_done() -> None:
        with state.writing():
            state.site = SiteState(last_build=1)
            with state.writing():
                state.published.update([crate("foo")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()
    assert (state.site, state.published.counts()) == (SiteState(), (0, 0))
    with state.writing():
        state.site = SiteState(last_build=1)
    assert state.site == SiteState(last_build=1)


def test_a_reader_reads_while_a_writer_writes(place: Path, state: State) -> None:
    state.site = SiteState(last_build=1)
    with open_state(place) as reader, state.writing():
        state.site = SiteState(last_build=2)
        assert not reader.fresh
        assert reader.site.last_build == 1


# what is published


def test_a_crate_is_what_its_changes_made_it(state: State) -> None:
    old = (release("1.0.9"), release("1.0.10", yanked=True), release("1.0.1", "2024-01-02T00:00:00Z"))
    state.published.update([crate("Foo-Bar", *old), crate("baz")])
    assert state.published.name_of("foo_bar") == "Foo-Bar"
    assert state.published.names_of(["foo_bar", "none", "baz"]) == {"foo_bar": "Foo-Bar", "baz": "baz"}
    assert state.published.releases("Foo-Bar") == list(old)
    assert state.published.releases("foo-bar") == []
    assert state.published.counts() == (2, 4)


def test_a_change_costs_and_changes_only_what_it_names(state: State) -> None:
    state.published.update([crate("foo", release("1.0.0"), release("1.1.0")), crate("gone")])
    yanked, new = release("1.0.0", yanked=True), release("1.2.0")
    state.published.update(
        [
            CrateChange(key="foo", name="foo", releases=(yanked, new), gone=("1.1.0",)),
            CrateChange(key="gone", name="gone", gone=("1.0.0",)),
            CrateChange(key="bar", name="bar", releases=(new,)),
        ]
    )
    assert state.published.releases("foo") == [yanked, new]
    assert list(state.published.names()) == ["bar", "foo"]
    assert state.published.counts() == (2, 3)


def test_a_crate_without_releases_is_forgotten_and_may_come_back_in_other_case(state: State) -> None:
    state.published.update([crate("Foo"), crate("bar")])
    state.published.update([CrateChange(key="foo", name="Foo", gone=("1.0.0",))])
    assert state.published.name_of("foo") is None
    assert state.published.releases("Foo") == []
    assert state.published.counts() == (1, 1)
    state.published.update([crate("foo")])
    assert state.published.name_of("foo") == "foo"
    assert (state.published.releases("Foo"), state.published.counts()) == ([], (2, 2))


def test_names_come_by_key(state: State) -> None:
    state.published.update(crate(name) for name in ("b-1", "B_2", "a", "c", "b", "ba"))
    assert list(state.published.names()) == ["a", "b", "b-1", "B_2", "ba", "c"]


def test_the_newest_come_first_and_those_without_a_time_never(state: State) -> None:
    state.published.update(
        [
            crate("b", release("1.0.0", "2024-01-01T00:00:00Z"), release("1.1.0", "2025-01-01T00:00:00Z")),
            crate("a", release("1.0.0", "2024-01-01T00:00:00Z"), release("0.1.0")),
        ]
    )
    assert [(name, each.vers) for name, each in state.published.newest(2)] == [("b", "1.1.0"), ("a", "1.0.0")]
    assert len(state.published.newest(10)) == 3


def test_all_that_is_published_can_be_forgotten_without_forgetting_the_rest(state: State) -> None:
    state.site = SiteState(last_build=1)
    state.published.update([crate("a"), crate("b")])
    state.published.clear()
    assert (list(state.published.names()), state.published.counts(), state.site.last_build) == ([], (0, 0), 1)


def test_the_same_version_twice_in_an_index_file_is_one_row(state: State) -> None:
    state.published.update([crate("a", release("1.0.0"), release("1.0.0", yanked=True))])
    assert [each.vers for each in state.published.releases("a")] == ["1.0.0"]
    assert state.published.counts() == (1, 1)


# the drop directory


def test_a_dropped_file_is_as_it_was_recorded(state: State) -> None:
    file = drop_file("caf\udce9/x.crate", b"0123456789abcdef")
    outcome = Outcome(
        candidate=Candidate(file=file, cksum="c", name="x", vers="1.0.0"),
        status="refused",
        problems=(problem("file-empty"), problem("entry-type", "é", place="src")),
        first_seen=5,
        last_seen=5,
    )
    state.drop_files.record([outcome], "digest", 5)
    assert state.drop_files.get(b"caf\xe9", b"x.crate") == outcome
    assert list(state.drop_files.refused()) == [outcome]


def test_a_file_that_is_seen_again_was_first_seen_when_it_was(state: State) -> None:
    state.drop_files.record([dropped("a.crate")], "j", 1)
    state.drop_files.record([dropped("a.crate", b"g" * 16, "unchanged")], "k", 9)
    found = state.drop_files.get(b"", b"a.crate")
    assert found is not None
    assert (found.first_seen, found.last_seen, found.status) == (1, 9, "unchanged")


def test_fingerprints_of_a_folder_are_given_unless_there_are_more_than_asked_for(state: State) -> None:
    state.drop_files.record([dropped("a.crate"), dropped("b.crate", b"g" * 16), dropped("in/c.crate")], "j", 1)
    found = state.drop_files.fingerprints(b"", at_most=2)
    assert found is not None
    assert list(found) == [b"a.crate", b"b.crate"]
    assert found[b"b.crate"] == b"g" * 16
    assert state.drop_files.fingerprints(b"", at_most=1) is None
    assert state.drop_files.fingerprints(b"nowhere", at_most=0) == {}


def test_the_refused_come_in_order_however_many(state: State) -> None:
    paths = [f"{folder}{number:04}.crate" for folder in ("", "a/", "b/c/") for number in range(900)]
    state.drop_files.record((dropped(path, status="refused") for path in reversed(paths)), "j", 1)
    state.drop_files.record([dropped("good.crate")], "j", 1)
    assert [each.candidate.file.path for each in state.drop_files.refused()] == paths


Step = tuple[str, str, bytes]
steps = st.lists(
    st.tuples(
        st.sampled_from(["published", "waiting", "refused", "forget", "reopen"]),
        st.sampled_from(["a.crate", "b.crate", "f/a.crate", "f/g/a.crate"]),
        st.binary(min_size=16, max_size=16) | st.just(b""),
    )
)


@given(steps=steps)
def test_a_folders_digest_is_the_sum_of_its_fingerprints_and_of_what_is_not_trusted(
    steps: list[Step], tmp_path_factory: pytest.TempPathFactory
) -> None:
    trusted: dict[str, tuple[bytes, str]] = {}
    with open_state(tmp_path_factory.mktemp("state")) as state:
        for what, path, fingerprint in steps:
            apply_step(state, trusted, (what, path, fingerprint))
        for folder in ("", "f", "f/g"):
            mine = [each for path, (each, _) in trusted.items() if path.rpartition("/")[0] == folder]
            total = add_fingerprints(NOTHING, sum(int.from_bytes(each or UNTRUSTED, "big") for each in mine))
            assert state.drop_files.digest(folder.encode()) == total


def apply_step(state: State, trusted: dict[str, tuple[bytes, str]], step: Step) -> None:
    what, path, fingerprint = step
    folder, _, file = path.rpartition("/")
    if what == "forget":
        state.drop_files.forget(folder.encode(), [file.encode()])
        trusted.pop(path, None)
    elif what == "reopen":
        state.drop_files.reopen_refused("other")
        for each in [each for each, (_, outcome) in trusted.items() if outcome == "refused"]:
            trusted[each] = (b"", "waiting")
    else:
        outcome: FileStatus = "refused" if what == "refused" else "waiting" if what == "waiting" else "published"
        state.drop_files.record([dropped(path, fingerprint, outcome)], "j", 1)
        trusted[path] = (b"" if what == "waiting" else fingerprint, outcome)


# a pass's own


def reading(path: str, key: str) -> Candidate:
    return Candidate(
        file=drop_file(path),
        key=key,
        name=key.upper(),
        vers="1.0.0",
        line=b'{"name":"\xc3\xa9"}',
        needs=(Need(key="x", here=True), Need(key="y", here=False)),
        problems=(problem("file-name-differs"),),
        staged="s",
    )


def test_readings_come_by_key_and_vanish_with_the_pass(place: Path) -> None:
    rows = [reading("b.crate", "k"), reading("a/z.crate", "k"), reading("q.crate", "j")]
    with open_state(place) as state:
        state.candidates.add(rows)
        state.candidates.add(reading(f"{n}.crate", f"many-{n:05}") for n in range(2500))
        assert state.candidates.between("a", "k") == {"j": rows[2:], "k": rows[:2]}
        assert state.candidates.names_of(["k", "none"]) == {"k": "K"}
        assert list(state.candidates.keys()) == ["j", "k", *(f"many-{n:05}" for n in range(2500))]
        assert (state.candidates.holds(drop_file("a/z.crate")), state.candidates.holds(drop_file("z.crate"))) == (
            True,
            False,
        )
        state.candidates.clear()
        assert list(state.candidates.keys()) == []
        state.candidates.add(rows)
    with open_state(place) as state:
        assert list(state.candidates.keys()) == []


def test_readings_without_a_release_come_apart(state: State) -> None:
    unread = [Candidate(file=drop_file(f"{n}.crate"), refused=True) for n in range(2500)]
    state.candidates.add([reading("a.crate", "k"), *unread])
    assert list(state.candidates.keys()) == ["k"]
    assert list(state.candidates.without_release()) == unread


def test_what_was_begun_is_unfinished_until_it_is_finished(place: Path) -> None:
    with open_state(place) as state:
        state.intents.begin(["b", "a"])
        state.intents.begin(["a", "c"])
        state.intents.finish(["c", "never"])
    with open_state(place) as state:
        assert list(state.intents.unfinished()) == ["a", "b"]


def test_processes_that_open_a_new_state_at_the_same_moment_share_it(tmp_path: Path) -> None:
    for number in range(15):
        place, start = tmp_path / str(number), time.monotonic() + 0.02
        children = [_in_a_child(partial(_use, place, each, start)) for each in range(4)]
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
        with open_state(place) as state:
            assert list(state.intents.unfinished()) == [f"index/{each}" for each in range(4)]


def _in_a_child(what: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            what()
        except BaseException:  # noqa: BLE001 - this process ends here, and its parent tells
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def _use(place: Path, number: int, start: float) -> None:
    while time.monotonic() < start:
        pass
    with open_state(place) as state:
        state.intents.begin([f"index/{number}"])


def test_what_rows_left_that_are_gone_is_given_back(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        state.pages.list_rows((f"list-{number}", "", bytes(1000)) for number in range(10_000))
        state.pages.clear()
        state.compact()
    assert (tmp_path / "catalogue.sqlite").stat().st_size < 2_000_000
