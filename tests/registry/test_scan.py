"""The drop directory as a user fills it, and as somebody who means ill does."""

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from cargo_static_index.crate.candidate import Candidate, DropFile, FileStatus, Outcome
from cargo_static_index.crate.policy import Policy
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.registry.read import Reader
from cargo_static_index.registry.scan import ROWS_HELD, Due, Seen, scan_drop, settled_by_stamps
from cargo_static_index.state import State, open_state
from tests.users import being

NOBODY = 65534
NO_CRATE = "The file is not a gzip archive: it begins with b'content'."


def put(path: Path, content: bytes = b"content") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def scan(
    drop: Path, state: State, *, due: Due | None = None, skip: tuple[Path, ...] = ()
) -> list[DropFile | Candidate]:
    return list(scan_drop(drop, state, due or settled_by_stamps(0), skip))


def judge(state: State, found: list[DropFile | Candidate], status: FileStatus = "published", judged: str = "j") -> None:
    outcomes = [
        Outcome(candidate=each, status="refused")
        if isinstance(each, Candidate)
        else Outcome(candidate=Candidate(file=each), status=status)
        for each in found
    ]
    state.drop_files.record(outcomes, judged, 1)


def path_of(found: DropFile | Candidate) -> str:
    return found.file.path if isinstance(found, Candidate) else found.path


def paths(found: list[DropFile | Candidate]) -> list[str]:
    return [path_of(each) for each in found]


def says(found: list[DropFile | Candidate]) -> list[tuple[str, str]]:
    unfit = [each for each in found if isinstance(each, Candidate)]
    return [(problem.rule, problem.message) for each in unfit for problem in each.problems]


def test_files_are_found_at_any_depth_by_folder_and_name(drop: Path, state: State) -> None:
    deep = "/".join(["d"] * 200)
    for name in ("b.crate", "a.crate", "z/y/c.crate", "z/b.crate", "y/a.crate", f"{deep}/x.crate"):
        put(drop / name)
    expected = ["a.crate", "b.crate", f"{deep}/x.crate", "y/a.crate", "z/b.crate", "z/y/c.crate"]
    assert paths(scan(drop, state)) == expected


@pytest.mark.case(85)
@pytest.mark.parametrize(
    "name", [".a.crate", "a.crate.part", "a.crate.tmp", ".git/a.crate", "a.part/a.crate", "a.CRATE", "a.tar.gz"]
)
def test_what_is_hidden_or_partial_or_no_crate_is_left_alone(drop: Path, state: State, name: str) -> None:
    put(drop / name)
    assert scan(drop, state) == []


def test_folders_of_ours_are_skipped(drop: Path, state: State) -> None:
    for name in ("refused/a.crate", "in/published/b.crate", "in/c.crate", "refused2/d.crate"):
        put(drop / name)
    skip = (Path("refused"), drop / "in" / "published", drop.parent / "elsewhere")
    assert paths(scan(drop, state, skip=skip)) == ["in/c.crate", "refused2/d.crate"]


@pytest.mark.case(79)
def test_what_was_judged_is_not_given_again_until_it_changes(drop: Path, state: State) -> None:
    put(drop / "a.crate")
    put(drop / "in/b.crate")
    judge(state, scan(drop, state))
    assert scan(drop, state) == []
    put(drop / "in/b.crate", b"another")
    put(drop / "in/new.crate")
    assert paths(scan(drop, state)) == ["in/b.crate", "in/new.crate"]


def test_what_was_not_judged_is_given_again(drop: Path, state: State) -> None:
    for name in ("a.crate", "b.crate"):
        put(drop / name)
    judge(state, scan(drop, state)[:1])
    assert paths(scan(drop, state)) == ["b.crate"]


def test_the_caller_may_judge_while_the_scan_goes_on(drop: Path, state: State) -> None:
    for number in range(2500):
        put(drop / f"{number}.crate")
    count = 0
    for each in scan_drop(drop, state, settled_by_stamps(0)):
        with state.writing():
            judge(state, [each])
        count += 1
    assert count == 2500
    assert scan(drop, state) == []


def test_a_file_that_vanishes_while_others_are_read_is_not_given(drop: Path, state: State) -> None:
    for name in ("a.crate", "b.crate", "c.crate", "d/e.crate"):
        put(drop / name)
    found = []
    for each in scan_drop(drop, state, settled_by_stamps(0)):
        found.append(each)
        (drop / "b.crate").unlink(missing_ok=True)
    assert paths(found) == ["a.crate", "c.crate", "d/e.crate"]


def test_a_folder_of_more_files_than_are_held_is_found_whole_and_in_order(drop: Path, state: State) -> None:
    names = [f"{number:05}.crate" for number in range(ROWS_HELD + 1)]
    for name in names:
        (drop / name).touch()
    put(drop / "in/a.crate")
    found = scan(drop, state)
    assert paths(found) == [*names, "in/a.crate"]
    judge(state, found)
    put(drop / "00007.crate", b"another")
    (drop / "00008.crate").unlink()
    assert paths(scan(drop, state)) == ["00007.crate"]


def test_a_file_that_is_not_to_be_read_yet_is_neither_given_nor_forgotten(drop: Path, state: State) -> None:
    put(drop / "in/a.crate")
    asked: list[Seen] = []

    def later(file: Seen) -> float | None:
        asked.append(file)
        return None

    assert scan(drop, state, due=later) == []
    assert [(file.path, file.links) for file in asked] == [(b"in/a.crate", 1)]
    judge(state, scan(drop, state))
    assert scan(drop, state, due=later) == []
    assert len(asked) == 1


def test_a_file_has_settled_when_nobody_has_changed_it_for_so_long(drop: Path, state: State) -> None:
    put(drop / "a.crate")
    now = time.monotonic()
    [young] = scan(drop, state, due=settled_by_stamps(3600))
    [old] = scan(drop, state, due=settled_by_stamps(0))
    assert isinstance(young, DropFile)
    assert isinstance(old, DropFile)
    assert young.due == pytest.approx(now + 3600, abs=60)
    assert old.due <= time.monotonic()


def test_a_change_of_the_past_is_seen_though_the_time_of_writing_was_put_back(drop: Path, state: State) -> None:
    file = put(drop / "a.crate", b"one")
    os.utime(file, ns=(1, 1))
    judge(state, scan(drop, state))
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert paths(scan(drop, state)) == ["a.crate"]


@pytest.mark.parametrize("seconds", [-(10**9), 0, 10**10, 15 * 10**9])
def test_a_file_may_claim_any_age(drop: Path, state: State, seconds: int) -> None:
    file = put(drop / "a.crate")
    os.utime(file, (seconds, seconds))
    judge(state, scan(drop, state))
    assert scan(drop, state) == []


def test_a_file_that_waits_is_given_again(drop: Path, state: State) -> None:
    put(drop / "a.crate")
    judge(state, scan(drop, state), status="waiting")
    assert paths(scan(drop, state)) == ["a.crate"]


def test_what_other_rules_refused_is_given_again(drop: Path, state: State) -> None:
    for name in ("a.crate", "b/b.crate", "b/good.crate"):
        put(drop / name)
    a, b, good = scan(drop, state)
    judge(state, [a, b], status="refused", judged="m")
    judge(state, [good], judged="m")
    state.drop_files.reopen_refused("m")
    assert scan(drop, state) == []
    for other in ("a", "z"):
        state.drop_files.reopen_refused(other)
        found = scan(drop, state)
        assert paths(found) == ["a.crate", "b/b.crate"]
        judge(state, found, status="refused", judged="m")


def test_the_files_of_a_release_can_be_asked_for_again(drop: Path, state: State) -> None:
    for name in ("a.crate", "in/b.crate"):
        put(drop / name)
    judge(state, scan(drop, state))
    held = state.drop_files.get(b"in", b"b.crate")
    assert held is not None
    candidate = msgspec.structs.replace(held.candidate, name="b", vers="1.0.0")
    state.drop_files.record([Outcome(candidate=candidate, status="published")], "j", 1)
    state.drop_files.reopen_release("b", "1.0.1")
    assert scan(drop, state) == []
    state.drop_files.reopen_release("b", "1.0.0")
    assert paths(scan(drop, state)) == ["in/b.crate"]


def test_what_vanished_is_forgotten(drop: Path, state: State) -> None:
    for name in ("a.crate", "b.crate", "in/c.crate", "in/deep/d.crate", "in0.crate", "ina/e.crate"):
        put(drop / name)
    judge(state, scan(drop, state))
    (drop / "a.crate").unlink()
    (drop / "in").rename(drop.parent / "away")
    assert scan(drop, state) == []
    known = [(b"", b"a.crate"), (b"", b"b.crate"), (b"in", b"c.crate"), (b"in/deep", b"d.crate"), (b"ina", b"e.crate")]
    assert [state.drop_files.get(*each) is not None for each in known] == [False, True, False, False, True]
    (drop.parent / "away").rename(drop / "in")
    assert paths(scan(drop, state)) == ["in/c.crate", "in/deep/d.crate"]


@pytest.mark.case(86)
def test_what_is_no_file_is_reported_and_never_opened(drop: Path, state: State) -> None:
    put(drop / "folder.crate/inside.crate")
    os.mkfifo(drop / "pipe.crate")
    (drop / "link.crate").symlink_to("pipe.crate")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(drop / "socket.crate"))
    put(drop / "good.crate")
    found = scan(drop, state)
    assert says(found) == [
        ("file-irregular", "'folder.crate' is a directory, not a file."),
        ("file-irregular", "'link.crate' is a link to a pipe, not to a file."),
        ("file-irregular", "'pipe.crate' is a pipe, not a file."),
        ("file-irregular", "'socket.crate' is a socket, not a file."),
    ]
    assert [each.path for each in found if isinstance(each, DropFile)] == ["good.crate"]
    judge(state, found)
    assert scan(drop, state) == []


@pytest.mark.case(86)
def test_links_are_followed_inside_and_reported_when_they_lead_out(drop: Path, state: State) -> None:
    outside = put(drop.parent / "drop-secret" / "s.crate")
    put(drop / "real" / "r.crate")
    (drop / "in.crate").symlink_to("real/r.crate")
    (drop / "out.crate").symlink_to("../drop-secret/s.crate")
    (drop / "gone.crate").symlink_to("nowhere")
    (drop / "loop.crate").symlink_to("loop.crate")
    (drop / "same").symlink_to("real")
    (drop / "other").symlink_to(outside.parent)
    (drop / "text").symlink_to("/etc/hostname")
    found = scan(drop, state)
    assert says(found) == [
        ("file-unreadable", "'gone.crate' is a link that leads nowhere (No such file or directory)."),
        ("file-unreadable", "'loop.crate' is a link that leads nowhere (Too many levels of symbolic links)."),
        ("file-link-outside", f"'other' is a link out of the drop directory, to '{outside.parent}'."),
        ("file-link-outside", f"'out.crate' is a link out of the drop directory, to '{outside}'."),
    ]
    files = {each.path: os.fsdecode(each.target) for each in found if isinstance(each, DropFile)}
    assert files == dict.fromkeys(("in.crate", "real/r.crate"), "real/r.crate")


@pytest.mark.case(86)
@pytest.mark.parametrize("target", ["loop", "a.crate/below", "x" * 300, "nowhere"])
def test_a_link_that_leads_nowhere_hides_nothing_beside_it(drop: Path, state: State, target: str) -> None:
    put(drop / "a.crate")
    put(drop / "below" / "b.crate")
    (drop / "loop").symlink_to(target)
    assert paths(scan(drop, state)) == ["a.crate", "below/b.crate"]


def test_a_change_of_what_a_link_points_to_is_seen(drop: Path, state: State) -> None:
    target = put(drop / ".store" / "a")
    (drop / "a.crate").symlink_to(".store/a")
    judge(state, scan(drop, state))
    target.write_bytes(b"changed")
    assert paths(scan(drop, state)) == ["a.crate"]


def test_names_that_are_not_utf8_are_reported_and_escaped(drop: Path, state: State) -> None:
    for name in (b"caf\xe9/ok.crate", b"\xff.crate", b"\xc3\xa9.crate"):
        put(drop / os.fsdecode(name))
    found = scan(drop, state)
    assert says(found) == [
        ("file-name-not-utf8", "'\\xff.crate' is not UTF-8, so no index file or page can name it."),
        ("file-name-not-utf8", "'caf\\xe9/ok.crate' is not UTF-8, so no index file or page can name it."),
    ]
    judge(state, found)
    assert scan(drop, state) == []


def test_names_cannot_move_the_cursor_of_a_terminal(drop: Path, state: State) -> None:
    os.mkfifo(drop / "\x1b[2J\n.crate")
    assert says(scan(drop, state)) == [("file-irregular", "'\\x1b[2J\\n.crate' is a pipe, not a file.")]


@pytest.mark.parametrize("name", ["missing", "a-file"])
def test_a_drop_directory_that_cannot_be_listed_is_a_mistake_in_the_settings(
    tmp_path: Path, state: State, name: str
) -> None:
    put(tmp_path / "a-file")
    with pytest.raises(
        SettingsError, match=r"^The drop directory '.*' cannot be read: .*\. Make it, or name another\.$"
    ):
        scan(tmp_path / name, state)


def read(drop: Path, file: DropFile) -> Candidate:
    """Read what was found."""
    with TemporaryDirectory() as stage:
        return Reader(policy=Policy(), stage=stage, pubtime=None, drop=drop).read(file, "0")


def rules_of(drop: Path, file: DropFile) -> list[str]:
    """Read what was found, and give the rules that refuse it."""
    return [each.rule for each in read(drop, file).problems]


@pytest.mark.case(85)
def test_a_rewrite_of_the_same_size_within_the_clocks_tick_is_seen(drop: Path, state: State) -> None:
    for content in (b"one", b"two", b"six", b"ten") * 5:
        file = put(drop / "a.crate", content)
        [found] = scan(drop, state)
        assert isinstance(found, DropFile)
        candidate = read(drop, found)
        file.write_bytes(b"new")  # same size, same inode, and as soon after the reading as can be
        [again] = scan(drop, state)
        assert isinstance(again, DropFile)
        assert again.seen != candidate.file.fingerprint != b""


@pytest.mark.case(86)
def test_what_may_not_be_read_is_reported_and_the_rest_is_found(shared_folder: Path) -> None:
    drop, due = shared_folder / "drop", settled_by_stamps(0)
    for name in ("a.crate", "closed/b.crate", "listed/c.crate", "secret.crate", "z/z.crate"):
        put(drop / name)
    put(shared_folder / "private" / "folder" / "p.crate")
    (drop / "away").symlink_to(shared_folder / "private" / "folder")
    with open_state(shared_folder / "state") as state:
        judge(state, [each for each in scan_drop(drop, state, due) if path_of(each).startswith("closed/")])
        for path, mode in (("drop/secret.crate", 0), ("drop/closed", 0), ("drop/listed", 0o444), ("private", 0)):
            (shared_folder / path).chmod(mode)
        with being(NOBODY) if os.geteuid() == 0 else nullcontext():
            found = [(path_of(each), *told(drop, each)) for each in scan_drop(drop, state, due)]
        assert state.drop_files.get(b"closed", b"b.crate"), "what could not be looked at is not forgotten"
    away = f"'away' is a link out of the drop directory, to '{shared_folder}/private/folder'."
    assert found == [
        ("a.crate", "file-not-gzip", NO_CRATE),
        ("away", "file-link-outside", away),
        ("secret.crate", "file-unreadable", "The file cannot be read: Permission denied."),
        (
            "closed",
            "file-unreadable",
            "The folder 'closed' cannot be listed, so nothing in it is read: Permission denied.",
        ),
        ("listed/c.crate", "file-unreadable", "'listed/c.crate' cannot be read: Permission denied."),
        ("z/z.crate", "file-not-gzip", NO_CRATE),
    ]


def told(drop: Path, found: DropFile | Candidate) -> tuple[str, str]:
    """Give the rule and the sentence of what keeps a file out, once it is read where it can be."""
    [problem] = (found if isinstance(found, Candidate) else read(drop, found)).problems
    return problem.rule, problem.message


def test_a_folder_that_goes_while_others_are_read_is_no_news(drop: Path, state: State) -> None:
    for path in ("a.crate", "gone/b.crate", "linked/c.crate", "z/z.crate"):
        put(drop / path)
    scanning = scan_drop(drop, state, settled_by_stamps(0))
    given = [next(scanning)]
    for name in ("gone", "linked"):
        shutil.rmtree(drop / name)
    (drop / "linked").symlink_to(drop / "z")
    assert paths([*given, *scanning]) == ["a.crate", "z/z.crate"]


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that another user can enter: pytest's own are for one user, and every new session closes them again."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
        for closed in ("drop/closed", "drop/listed", "private"):
            (folder / closed).chmod(0o755)


def test_ten_thousand_files_that_nothing_happened_to_cost_little_more_than_looking(drop: Path, state: State) -> None:
    for number in range(10_000):
        (drop / f"some-crate-{number}-1.0.0.crate").touch()
    judge(state, scan(drop, state))
    assert timed(lambda: scan(drop, state)) < 10 * timed(lambda: [each.stat() for each in os.scandir(drop)])


def timed(work: Callable[[], object]) -> float:
    """The best of five of processor time: what the machine does besides only ever makes it slower."""
    times = []
    for _ in range(5):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def test_a_time_in_the_future_is_waited_for_once_a_pass() -> None:
    ahead = time.time_ns() + 3600 * 10**9
    due = settled_by_stamps(0.2)
    first = due(Seen(b"a.crate", b"", ahead, 1))
    time.sleep(0.01)
    assert due(Seen(b"b.crate", b"", ahead, 1)) == first
