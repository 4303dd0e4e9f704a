import errno
import hashlib
import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index import STORE_CHECKS
from cargo_static_index.diagnostics.errors import InvalidInput, StoreError, TreeBusy
from cargo_static_index.store import Change, Delete, Put, Staged, Store, Stored
from cargo_static_index.store.local.folders import failure
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.store.local.system import can_flush_all, flush_file_system, move_across, put_file_at
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.store.objects.store import ObjectStore
from cargo_static_index.store.overlay import OverlayStore
from cargo_static_index.store.paths import STAGE, check_path, parents_of, tag_of
from tests.buckets import Buckets, moto

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def buckets() -> Iterator[Buckets]:
    with moto() as server:
        yield server


@pytest.fixture(params=["local", "local, unflushed", "memory", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "bucket":
        buckets: Buckets = request.getfixturevalue("buckets")
        return buckets.store(buckets.make())
    return LocalStore(tmp_path / "tree", flush=request.param == "local")


@pytest.mark.parametrize("check", STORE_CHECKS.values(), ids=STORE_CHECKS.keys())
def test_ours_keep_to_what_every_store_must(store: Store, check: Callable[[Store], None]) -> None:
    check(store)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "tree"


@pytest.fixture
def local(tree: Path) -> LocalStore:
    return LocalStore(tree)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def contents(store: Store) -> dict[str, bytes]:
    return {path: read(store, path).content for path in store.list()}


def read(store: Store, path: str) -> Stored:
    found = store.read(path)
    assert found is not None
    return found


def tag_in(store: Store, content: bytes) -> str:
    """Give the tag of a content in a store: S3's ETag is an MD5 in quotes."""
    return f'"{hashlib.md5(content).hexdigest()}"' if isinstance(store, ObjectStore) else tag_of(content)


def expected(store: Store, expect: str | bytes) -> str:
    """Give what a change expects, in a store's own tags."""
    return expect if isinstance(expect, str) else tag_in(store, expect)


def staged_at(path: Path) -> Staged:
    return Staged(str(path))


def put(path: str, content: bytes = b"new") -> Put:
    return Put(path=path, content=content)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- the contract, for every store


def test_what_was_put_is_read_with_a_tag_of_its_content(store: Store) -> None:
    assert store.apply([put("index/se/rd/serde", b"line\n"), put("empty", b"")]) == ()
    assert store.read("index/se/rd/serde") == Stored(content=b"line\n", tag=tag_in(store, b"line\n"))
    assert store.size("index/se/rd/serde") == 5
    assert read(store, "empty").content == b""
    assert store.size("empty") == 0


@pytest.mark.parametrize("path", ["missing", "missing/file", "index", "index/a/below-a-file"])
def test_where_no_file_is_nothing_is_read(store: Store, path: str) -> None:
    assert store.read(path) is None
    assert store.size(path) is None
    assert list(store.list(path)) == []
    store.apply([put("index/a")])
    assert store.read(path) is None
    assert store.size(path) is None
    assert store.apply([Delete(path=path)]) == ()
    assert list(store.list()) == ["index/a"]


def test_an_empty_batch_does_nothing(store: Store) -> None:
    assert store.apply([]) == ()
    assert list(store.list()) == []


def test_several_files_are_read_at_once_in_the_order_asked_for(store: Store) -> None:
    store.apply([put("a", b"1"), put("b", b"2")])
    found = [each and each.content for each in store.read_all(["b", "missing", "a"])]
    assert found == [b"2", None, b"1"]
    assert list(store.read_all([])) == []


def test_the_changes_that_a_file_comes_from_are_read_with_it_where_no_lock_keeps_others_out(store: Store) -> None:
    for each in (store, MemoryStore(shared=True)):
        each.apply([Put(path="a", content=b"1", changes=("2b", "1a")), put("b")])
        assert read(each, "a").changes == (() if not each.shared else ("2b", "1a"))
        assert read(each, "b").changes == ()


def test_two_hosts_see_the_same_files_and_have_sessions_of_their_own() -> None:
    here = MemoryStore(shared=True)
    there = here.seen_elsewhere()
    with here.session() as ours, there.session() as theirs:
        assert ours != theirs
        here.apply([put("a")])
        assert read(there, "a").content == b"new"


def test_equal_content_has_an_equal_tag_wherever_it_lies(store: Store) -> None:
    store.apply([put("a", b"x"), put("b/c", b"x"), put("d", b"y")])
    assert read(store, "a").tag == read(store, "b/c").tag
    assert read(store, "a").tag != read(store, "d").tag


@pytest.mark.parametrize(
    ("there", "expect", "applied"),
    [
        (None, "any", True),
        (b"old", "any", True),
        (b"new", "any", True),
        (None, "absent", True),
        (b"old", "absent", False),
        (b"new", "absent", False),
        (None, b"old", False),
        (b"old", b"old", True),
        (b"other", b"old", False),
        (b"new", b"new", True),
        (b"new", b"old", False),
        (None, b"new", False),
    ],
)
@pytest.mark.parametrize("staged", [False, True])
def test_a_put_is_carried_out_only_where_its_expectation_holds(
    store: Store, there: bytes | None, expect: str | bytes, applied: bool, staged: bool
) -> None:
    if there is not None:
        store.apply([put("f/a", there)])
    with store.session() as stage:
        source = stage / "staged"
        source.write_bytes(b"new")
        change = Put(path="f/a", content=staged_at(source) if staged else b"new", expect=expected(store, expect))
        assert store.apply([change]) == (() if applied else (change,))
        assert source.exists() is not (staged and applied), "consumed when applied, left for the next try when not"
    assert contents(store) == ({"f/a": b"new"} if applied else {} if there is None else {"f/a": there})


@pytest.mark.parametrize(
    ("there", "expect", "applied"),
    [
        (None, "any", True),
        (b"old", "any", True),
        (None, b"old", True),
        (b"old", b"old", True),
        (b"other", b"old", False),
    ],
)
def test_a_delete_is_carried_out_only_where_its_expectation_holds(
    store: Store, there: bytes | None, expect: str | bytes, applied: bool
) -> None:
    if there is not None:
        store.apply([put("f/a", there)])
    change = Delete(path="f/a", expect=expected(store, expect))
    assert store.apply([change]) == (() if applied else (change,))
    assert contents(store) == ({} if applied or there is None else {"f/a": there})


@pytest.mark.case(84)
def test_of_two_writers_that_read_the_same_the_second_is_told_to_begin_again(store: Store) -> None:
    store.apply([put("index/a", b"1\n")])
    ours = read(store, "index/a")
    store.apply([put("index/a", b"1\n2\n")])
    change = Put(path="index/a", content=b"1\n3\n", expect=ours.tag)
    assert store.apply([change]) == (change,)
    now = read(store, "index/a")
    assert store.apply([Put(path="index/a", content=now.content + b"3\n", expect=now.tag)]) == ()
    assert contents(store) == {"index/a": b"1\n2\n3\n"}


def test_the_rest_of_a_batch_is_carried_out_around_a_refused_change(store: Store) -> None:
    store.apply([put("b", b"there")])
    refused = Put(path="b", content=b"new", expect="absent")
    assert store.apply([put("a"), refused, put("c")]) == (refused,)
    assert contents(store) == {"a": b"new", "b": b"there", "c": b"new"}


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ([put("a", b"1"), put("a", b"2")], {"a": b"2"}),
        ([put("a", b"2"), put("a", b"old")], {"a": b"old"}),
        ([Delete(path="a"), put("a", b"old")], {"a": b"old"}),
        ([put("a", b"1"), Delete(path="a")], {}),
        ([Delete(path="a"), put("a/b", b"1")], {"a/b": b"1"}),
    ],
)
def test_changes_of_one_path_are_carried_out_in_the_order_given(
    store: Store, changes: list[Change], after: dict[str, bytes]
) -> None:
    store.apply([put("a", b"old")])
    assert store.apply(changes) == ()
    assert contents(store) == after


def test_a_change_may_expect_what_an_earlier_one_of_its_batch_wrote(store: Store) -> None:
    assert store.apply([put("a", b"1"), Put(path="a", content=b"2", expect=tag_in(store, b"1"))]) == ()
    assert contents(store) == {"a": b"2"}


def test_a_large_batch_is_carried_out_like_a_small_one(store: Store) -> None:
    many = {f"crates/{number % 90}/{number}": str(number).encode() for number in range(300)}
    assert store.apply(Put(path=path, content=content) for path, content in many.items()) == ()
    assert contents(store) == many
    assert store.apply(Delete(path=path) for path in many if path != "crates/7/7") == ()
    assert contents(store) == {"crates/7/7": b"7"}


def test_paths_are_listed_sorted_as_whole_paths(store: Store) -> None:
    paths = ["a-b", "a.json", "a/b", "a/b0", "a/c/d", "a/c-d", "a0", "crates/é", "crates/ｚ", "crates/𐀀"]
    store.apply(put(path) for path in reversed(paths))
    assert list(store.list()) == sorted(paths)
    assert list(store.list("a")) == ["a/b", "a/b0", "a/c-d", "a/c/d"]
    assert list(store.list("a/c")) == ["a/c/d"]


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/etc/passwd", "a/", "a//b", ".", "..", "./a", "../a", "a/.", "a/..", "a/../b", "a\\b", "a\0b",
        "a/\udce9", STAGE, f"{STAGE}/a", f"a/{STAGE}-b", "a" * 1025,
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "use",
    [
        lambda store, path: store.read(path),
        lambda store, path: store.size(path),
        lambda store, path: store.list(path or "/"),
        lambda store, path: store.apply([put("before"), put(path)]),
        lambda store, path: store.apply([put("before"), Delete(path=path)]),
    ],
)
def test_a_path_that_could_leave_the_tree_is_refused_before_anything_is_done(
    store: Store, path: str, use: Callable[[Store, str], object]
) -> None:
    with pytest.raises(InvalidInput):
        use(store, path)
    assert list(store.list()) == []


def test_a_refused_path_is_told_what_paths_may_be() -> None:
    with pytest.raises(InvalidInput) as refused:
        check_path("../a")
    assert str(refused.value) == (
        "'../a' is not a path in a tree: use names joined by `/`, in UTF-8, 1024 characters at most, "
        "no name empty, `.`, `..`, with `\\` or NUL, or starting with `.cargo-static-index-stage`"
    )


@pytest.mark.parametrize("path", ["a", "a b", "...", "..a", ".well-known/x", "a/.b", "é", "a:b", "con", "a\nb"])
def test_any_other_path_is_kept_as_it_is(store: Store, path: str) -> None:
    if isinstance(store, ObjectStore) and "\n" in path:
        return  # a listing is XML, which has no such character
    store.apply([put(path)])
    assert contents(store) == {path: b"new"}


def test_the_folders_of_a_path_are_given_nearest_first() -> None:
    assert parents_of("a/b/c") == ["a/b", "a"]
    assert parents_of("a") == []


@pytest.mark.parametrize("store", ["local", "memory"], indirect=True)  # a bucket has no folders
@pytest.mark.parametrize(("there", "path"), [("a", "a/b"), ("a", "a/b/c"), ("a/b", "a"), ("a/b/c", "a")])
@pytest.mark.parametrize("expect", ["any", "absent"])
def test_a_file_cannot_be_put_where_a_folder_is_nor_below_a_file(
    store: Store, there: str, path: str, expect: str
) -> None:
    store.apply([put(there, b"there")])
    with pytest.raises(StoreError, match="then run this again"):
        store.apply([Put(path=path, content=b"new", expect=expect)])
    assert contents(store) == {there: b"there"}


def test_a_staged_file_is_consumed(store: Store) -> None:
    with store.session() as stage:
        (stage / "archive").write_bytes(b"bytes")
        assert store.apply([Put(path="crates/a", content=staged_at(stage / "archive"), expect="absent")]) == ()
        assert not (stage / "archive").exists()
        assert contents(store) == {"crates/a": b"bytes"}


@pytest.mark.parametrize("inside", [True, False])
def test_content_from_outside_the_sessions_folder_is_refused(store: Store, tmp_path: Path, inside: bool) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    if not inside:
        with pytest.raises(InvalidInput, match="is not a file staged in the open session's folder: write it there"):
            store.apply([Put(path="a", content=staged_at(tmp_path / "secret"))])
        return
    with store.session() as stage:
        (stage / "link").symlink_to(tmp_path / "secret")
        (stage / "folder").mkdir()
        for wrong in (tmp_path / "secret", stage / "link", stage / "folder", stage / "missing", stage):
            with pytest.raises(InvalidInput, match="is not a file staged in the open session's folder"):
                store.apply([put("before"), Put(path="a", content=staged_at(wrong))])
        assert list(store.list()) == []


def test_a_sessions_folder_is_empty_private_and_gone_at_the_end(store: Store) -> None:
    with store.session() as stage:
        assert list(stage.iterdir()) == []
        assert mode(stage) == 0o700
        (stage / "left").write_bytes(b"x")
        assert list(store.list()) == []
    assert not stage.exists()
    with store.session() as stage:
        assert list(stage.iterdir()) == []


def test_a_session_inside_a_session_is_refused(store: Store) -> None:
    with store.session() as stage:
        with pytest.raises(TreeBusy, match="session is open already: end it before another begins"), store.session():
            pass
        (stage / "still-ours").write_bytes(b"")
        assert store.apply([put("a")]) == ()


def test_a_session_that_fails_lets_the_next_begin(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.session():
        raise ZeroDivisionError
    with store.session():
        assert store.apply([put("a")]) == ()


def test_a_memory_store_can_begin_with_files() -> None:
    assert MemoryStore({"a/b": b"x"}).files == {"a/b": b"x"}


_PATHS = st.sampled_from(["a", "a/b", "a/b/c", "b", "b/a", "b-"])
_CONTENTS = st.sampled_from([b"", b"1", b"2"])
_TAGS = _CONTENTS.map(tag_of)
_CHANGES = st.one_of(
    st.builds(Put, path=_PATHS, content=_CONTENTS, expect=st.one_of(st.sampled_from(["any", "absent"]), _TAGS)),
    st.builds(Delete, path=_PATHS, expect=st.one_of(st.just("any"), _TAGS)),
)


@given(batches=st.lists(st.lists(_CHANGES, max_size=4), max_size=6))
def test_any_changes_leave_the_same_files_in_every_store(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Change]]
) -> None:
    local = LocalStore(tmp_path_factory.mktemp("any") / "tree", flush=False)
    memory = MemoryStore()
    for batch in batches:
        results: list[object] = []
        for store in (local, memory):
            try:
                results.append(store.apply(batch))
            except StoreError:
                results.append("failed")
        assert results[0] == results[1]
        assert contents(local) == contents(memory)
    folders = {folder for path in memory.files for folder in parents_of(path)}
    assert {str(each.relative_to(local.root)) for each in local.root.rglob("*") if each.is_dir()} == folders


_APART = st.sampled_from(["a", "b", "c/d"])
_CHANGES_APART = st.one_of(
    st.builds(Put, path=_APART, content=_CONTENTS, expect=st.one_of(st.sampled_from(["any", "absent"]), _TAGS)),
    st.builds(Delete, path=_APART, expect=st.one_of(st.just("any"), _TAGS)),
)


@given(first=st.lists(_CHANGES_APART, max_size=4), batches=st.lists(st.lists(_CHANGES_APART, max_size=4), max_size=6))
def test_an_overlay_shows_what_the_store_below_would_be(first: list[Change], batches: list[list[Change]]) -> None:
    below, store = _applied(first), _applied(first)
    overlay = OverlayStore(below)
    for batch in batches:
        assert overlay.apply(batch) == store.apply(batch)
        assert [(path, overlay.read(path), overlay.size(path)) for path in overlay.list()] == [
            (path, store.read(path), store.size(path)) for path in store.list()
        ]
    assert contents(below) == contents(_applied(first)), "nothing reaches the store below"


def _applied(changes: list[Change]) -> MemoryStore:
    store = MemoryStore()
    store.apply(changes)
    return store


def test_an_overlay_takes_no_path_that_leaves_the_tree() -> None:
    with pytest.raises(InvalidInput, match="is not a path in a tree"):
        OverlayStore(MemoryStore()).apply([put("../a")])


# --- a local tree: what web servers see


@pytest.mark.parametrize(
    ("mask", "file_mode", "dir_mode", "file", "folder"),
    [
        (0o022, None, None, 0o644, 0o755),
        (0o077, None, None, 0o600, 0o700),
        (0o002, None, None, 0o664, 0o775),
        (0o077, 0o644, 0o755, 0o644, 0o755),
        (0o000, 0o640, 0o750, 0o640, 0o750),
    ],
)
@pytest.mark.parametrize("staged", [False, True])
def test_published_files_and_folders_get_the_modes_of_the_umask_or_the_settings(
    tree: Path, mask: int, file_mode: int | None, dir_mode: int | None, file: int, folder: int, staged: bool
) -> None:
    with umask(mask):
        local = LocalStore(tree, file_mode=file_mode, dir_mode=dir_mode)
        with local.session() as stage:
            private = stage / "staged"
            private.touch(mode=0o600)
            local.apply([Put(path="a/b/c", content=staged_at(private) if staged else b"x")])
    assert [mode(tree / path) for path in ("", "a", "a/b", "a/b/c")] == [folder, folder, folder, file]


def test_a_folder_has_its_mode_before_it_has_its_name(tree: Path) -> None:
    """What a crash between the two leaves is taken up by the next try, and is no part of the tree."""
    local = LocalStore(tree, dir_mode=0o755)
    tree.with_name(f"{STAGE}-{tree.name}").mkdir(0o700)
    local.apply([put("b")])
    (tree / f"{STAGE}-a").mkdir(0o700)
    assert list(local.list()) == ["b"]
    local.apply([put("a/x")])
    assert [mode(each) for each in (tree, tree / "a")] == [0o755, 0o755]
    assert sorted(each.name for each in tree.iterdir()) == ["a", "b"]
    assert [each.name for each in tree.parent.iterdir()] == [tree.name]


def test_a_tree_that_is_a_link_to_nowhere_is_said_to_be_one(tree: Path) -> None:
    tree.symlink_to("gone")
    with pytest.raises(StoreError, match="is a link that leads nowhere: make the folder that it names"):
        LocalStore(tree).apply([put("a")])


@pytest.mark.parametrize("dir_mode", [None, 0o750])
def test_a_tree_shared_by_setgid_keeps_its_group(tree: Path, dir_mode: int | None) -> None:
    tree.mkdir()
    if os.geteuid() == 0:
        os.chown(tree, -1, 65534)
    tree.chmod(0o2775)
    local = LocalStore(tree, dir_mode=dir_mode)
    with local.session() as stage:
        (stage / "staged").write_bytes(b"x")
        local.apply([put("a/b"), Put(path="a/c", content=staged_at(stage / "staged"))])
    assert mode(tree / "a") & stat.S_ISGID
    assert {each.stat().st_gid for each in tree.rglob("*")} == {tree.stat().st_gid}


@pytest.mark.parametrize("times", [1, 2, 3])
def test_each_rewrite_of_a_file_moves_its_time_to_another_second(local: LocalStore, tree: Path, times: int) -> None:
    local.apply([put("a", b"0")])
    seconds = [(tree / "a").stat().st_mtime_ns // SECOND]
    for number in range(1, times + 1):
        local.apply([put("a", str(number).encode())])
        seconds.append((tree / "a").stat().st_mtime_ns // SECOND)
    assert seconds == sorted(set(seconds))


def test_a_rewrite_of_a_file_from_the_future_is_later_still(local: LocalStore, tree: Path) -> None:
    local.apply([put("a", b"0")])
    future = (time.time_ns() // SECOND + 1000) * SECOND
    os.utime(tree / "a", ns=(future, future + 5))
    with local.session() as stage:
        (stage / "old").write_bytes(b"1")
        os.utime(stage / "old", ns=(0, 0))
        local.apply([Put(path="a", content=staged_at(stage / "old"))])
    assert (tree / "a").stat().st_mtime_ns == future + SECOND


@pytest.mark.parametrize("expect", ["any", tag_of(b"same")])
@pytest.mark.parametrize("staged", [False, True])
def test_unchanged_content_is_not_written(local: LocalStore, tree: Path, expect: str, staged: bool) -> None:
    local.apply([put("a", b"same")])
    before = (tree / "a").stat()
    with local.session() as stage:
        (stage / "staged").write_bytes(b"same")
        assert (
            local.apply([Put(path="a", content=staged_at(stage / "staged") if staged else b"same", expect=expect)])
            == ()
        )
    after = (tree / "a").stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )


def test_a_reader_never_sees_half_of_a_file(local: LocalStore, tree: Path) -> None:
    wholes = [bytes([number]) * 100_000 for number in range(4)]
    local.apply([put("a", wholes[0])])
    seen: set[bytes] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add((tree / "a").read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(40):
        local.apply([put("a", wholes[number % 4])])
    done.set()
    reader.join()
    assert seen <= set(wholes)


def test_deleting_the_last_file_of_a_folder_removes_the_folders_that_are_left_empty(
    local: LocalStore, tree: Path
) -> None:
    local.apply([put("a/b/c/d"), put("a/e")])
    local.apply([Delete(path="a/b/c/d")])
    assert list((tree / "a").iterdir()) == [tree / "a/e"]
    local.apply([Delete(path="a/e")])
    assert list(tree.iterdir()) == []


# --- a local tree: what else may lie in it


@pytest.mark.parametrize("where", ["outside", "inside"])
def test_no_link_in_the_tree_is_followed(local: LocalStore, tree: Path, tmp_path: Path, where: str) -> None:
    local.apply([put("real/file", b"inside")])
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"secret")
    target = outside if where == "outside" else tree / "real"
    (tree / "folder").symlink_to(target)
    (tree / "link").symlink_to(target / "file")
    sentence = "'{}' is a symbolic link, which could lead out of the tree: remove it"
    for path, link in (("folder/file", "folder"), ("link", "link")):
        uses: list[Callable[[str], object]] = [
            local.read,
            local.size,
            lambda path: local.apply([put(path, b"planted")]),
            lambda path: local.apply([Put(path=path, content=b"planted", expect="absent")]),
            lambda path: local.apply([Delete(path=path)]),
        ]
        for use in uses:
            with pytest.raises(InvalidInput) as refused:
                use(path)
            assert str(refused.value) == sentence.format(link)
    with pytest.raises(InvalidInput):
        list(local.list("folder"))
    assert (outside / "file").read_bytes() == b"secret"
    assert list(outside.iterdir()) == [outside / "file"]
    assert contents(local) == {"real/file": b"inside"}


def test_the_tree_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "tree").symlink_to(tmp_path / "disk")
    local = LocalStore(tmp_path / "tree")
    local.apply([put("a/b")])
    assert (tmp_path / "disk/a/b").read_bytes() == b"new"
    assert contents(local) == {"a/b": b"new"}


def test_a_link_in_the_place_of_the_private_folder_is_removed_and_not_emptied(
    local: LocalStore, tree: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_bytes(b"x")
    tree.mkdir()
    (tree / STAGE).symlink_to(precious)
    with local.session() as stage:
        assert not stage.is_symlink()
        assert list(stage.iterdir()) == []
    assert (precious / "file").exists()


def test_a_pipe_in_the_tree_is_named_and_does_not_hang_the_reader(local: LocalStore, tree: Path) -> None:
    tree.mkdir()
    os.mkfifo(tree / "pipe")
    for use in (local.read, local.size):
        with pytest.raises(StoreError) as refused:
            use("pipe")
        assert str(refused.value) == "'pipe' is neither a file nor a folder: remove it"
    assert list(local.list()) == []


def test_what_only_the_administrator_may_look_into_does_not_stop_a_listing(open_tree: Path) -> None:
    LocalStore(open_tree).apply([put("a/b")])
    (open_tree / "lost+found").mkdir(mode=0)
    assert said(as_nobody("print(list(store.list()))", open_tree)) == "['a/b']"


def test_a_tree_replaced_during_a_session_is_seen_by_the_next_write(local: LocalStore, tree: Path) -> None:
    with local.session():
        local.apply([put("a/b", b"1")])
        assert local.read("missing/b") is None
        (tree / "a").rename(tree / "elsewhere")
        (tree / "missing").mkdir()
        (tree / "missing/b").write_bytes(b"theirs")
        refused = Put(path="missing/b", content=b"2", expect="absent")
        assert local.apply([put("a/b", b"2"), refused]) == (refused,)
        assert contents(local) == {"a/b": b"2", "elsewhere/b": b"1", "missing/b": b"theirs"}


def test_many_folders_of_one_batch_do_not_run_out_of_descriptors(local: LocalStore) -> None:
    paths = [f"{number}/{letter}" for number in range(400) for letter in "ab"]
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, before[1]))
    try:
        local.apply(put(path) for path in paths)
        assert len(list(local.list())) == 800
        assert local.apply(Delete(path=path) for path in paths) == ()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert list(local.root.iterdir()) == []


def test_names_that_no_path_may_have_are_not_listed(local: LocalStore, tree: Path) -> None:
    local.apply([put("a")])
    for name in (b"latin-\xe9", b"back\\slash"):
        (tree / os.fsdecode(name)).write_bytes(b"")
    (tree / os.fsdecode(b"folder-\xe9")).mkdir()
    (tree / os.fsdecode(b"folder-\xe9") / "x").write_bytes(b"")
    (tree / f"{STAGE}-half").write_bytes(b"")
    assert list(local.list()) == ["a"]


def test_a_tree_is_listed_folder_by_folder(local: LocalStore, tree: Path) -> None:
    local.apply(put(f"{folder}/{name}") for folder in "abc" for name in "xyz")
    listed = local.list()
    assert [next(listed), next(listed)] == ["a/x", "a/y"]
    for name in "xyz":
        (tree / "c" / name).unlink()
    assert list(listed) == ["a/z", "b/x", "b/y", "b/z"], "what lies ahead was not read yet"


def test_a_listing_does_not_run_out_of_descriptors_nor_of_recursion(local: LocalStore) -> None:
    deep = "/".join("d" * 500)
    local.apply([put(f"{deep}/file"), *(put(f"w/{number}/file") for number in range(200))])
    assert len(list(local.list())) == 201
    assert local.apply([Delete(path=f"{deep}/file")]) == ()
    assert len(list(local.list())) == 200


# --- a local tree: other processes, death, and disks that say no


def child(code: str, *arguments: object) -> "subprocess.Popen[str]":
    program = "import os, sys, time\nfrom pathlib import Path\nfrom cargo_static_index.diagnostics.errors import *\n"
    program += "from cargo_static_index.store import *\nfrom cargo_static_index.store.local.store import LocalStore\n"
    program += "store = LocalStore(Path(sys.argv[1]))\n" + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def said(process: "subprocess.Popen[str]") -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output.strip()


def wait_for(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline().strip() == word


HOLD = """
    with store.session() as stage:
        store.lock.take(print)
        (stage / "left").write_bytes(b"x")
        print("held", flush=True)
        time.sleep(60)
"""


@contextmanager
def holder(tree: Path, code: str = HOLD) -> "Iterator[subprocess.Popen[str]]":
    with child(code, tree) as process:
        try:
            wait_for(process, "held")
            yield process
        finally:
            process.kill()


@pytest.mark.case(84)
def test_a_second_process_is_told_that_the_tree_is_busy(local: LocalStore, tree: Path) -> None:
    with holder(tree), local.session() as stage:
        for attempt in (lambda: local.apply([put("a")]), lambda: local.lock.take(print)):
            with pytest.raises(TreeBusy) as busy:
                attempt()
            assert str(busy.value) == (
                f"{tree}: another process is changing this tree. Wait until it ends, then run this again."
            )
        assert local.read("a") is None, "reading needs no lock"
        (theirs,) = local.lock.others
        assert (tree / STAGE / theirs / "left").exists(), "the other's folder is not touched"
        assert list(stage.iterdir()) == []


def test_what_a_dead_process_staged_is_cleared_and_its_lock_ends(local: LocalStore, tree: Path) -> None:
    with holder(tree) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with local.session() as stage:
            local.lock.take(print)
            assert list(stage.iterdir()) == []
            assert [each.name for each in (tree / STAGE).iterdir()] == [local.lock.name]
            assert local.lock.others == frozenset()
    assert list(tree.iterdir()) == []


def test_a_session_that_ends_leaves_the_folders_of_the_others(local: LocalStore, tree: Path) -> None:
    with local.session() as stage:
        with LocalStore(tree).session() as other:
            (stage / "mine").write_bytes(b"x")
            assert local.lock.others == {other.name}
        assert local.lock.others == frozenset()
        assert local.apply([Put(path="a", content=staged_at(stage / "mine"))]) == ()
    assert contents(local) == {"a": b"x"}


def test_who_lets_go_of_the_lock_comes_after_those_who_wait(local: LocalStore, tree: Path) -> None:
    order: list[str] = []
    waiter = LocalStore(tree, lock_timeout=30)
    with local.session(), waiter.session(), ThreadPoolExecutor(1) as thread:
        local.lock.take(print)
        assert not local.lock.is_wanted

        def wait() -> None:
            waiter.lock.take(print)
            order.append("the waiter")
            waiter.lock.leave()

        waiting = thread.submit(wait)
        while not local.lock.is_wanted:
            time.sleep(0.001)
        local.lock.leave()
        LocalStore(tree, lock_timeout=30).apply([put("a")])
        order.append("who let go")
        waiting.result()
    assert order == ["the waiter", "who let go"]


def test_a_long_wait_is_told_once_and_a_short_one_is_not(tree: Path) -> None:
    said: list[str] = []
    waiter = LocalStore(tree, lock_timeout=None)
    for seconds in (0.1, 1.2):
        brief = f'with store.session():\n store.lock.take(print)\n print("held", flush=True)\n time.sleep({seconds})'
        with holder(tree, brief), waiter.session():
            waiter.lock.take(said.append)
    assert said == [f"{tree}: another process is changing this tree; waiting for it"]


def test_a_worker_that_outlives_its_killed_parent_does_not_keep_the_lock(tree: Path) -> None:
    patient = LocalStore(tree, lock_timeout=10)  # the child lets go as soon as it runs at all
    forking = """
    with store.session() as stage:
        store.lock.take(print)
        if os.fork() == 0:
            os.close(1)
            time.sleep(20)
            os._exit(0)
        print("held", flush=True)
        time.sleep(60)
    """
    with holder(tree, forking) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with patient.session() as stage:
            assert stage.parent.name == STAGE
            assert patient.apply([put("a")]) == ()


def test_a_forked_child_that_leaves_the_session_does_not_end_it(local: LocalStore, tree: Path) -> None:
    leaving = """
    with store.session() as stage:
        store.lock.take(print)
        (stage / "left").write_bytes(b"x")
        pid = os.fork()
        if pid == 0:
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert (stage / "left").exists()
        assert store.apply([Put(path="a", content=str(stage / "left"))]) == ()
        print("held", flush=True)
        time.sleep(60)
    """
    with holder(tree, leaving):
        with pytest.raises(TreeBusy):
            local.apply([put("b")])
        assert contents(local) == {"a": b"x"}


def test_a_change_waits_as_long_as_it_is_told(tree: Path) -> None:
    brief = 'with store.session():\n    store.lock.take(print)\n    print("held", flush=True)\n    time.sleep(0.3)\n'
    with holder(tree, brief):
        assert LocalStore(tree, lock_timeout=30).apply([put("a")]) == ()
    with holder(tree):
        begun = time.monotonic()
        with pytest.raises(TreeBusy):
            LocalStore(tree, lock_timeout=0.2).apply([put("b")])
        assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.01, 0.03, 0.1])
def test_a_writer_killed_at_any_time_leaves_whole_files_only(local: LocalStore, tree: Path, delay: float) -> None:
    writing = """
    def contents(number):
        return bytes([number % 256]) * 50_000
    number = 0
    with store.session() as stage:
        print("held", flush=True)
        while True:
            number += 1
            (stage / "staged").write_bytes(contents(number))
            changes = [Put(path=f"f/{each}", content=contents(number)) for each in range(3)]
            store.apply([*changes, Put(path="s", content=staged_at(stage / "staged")), Delete(path="f/0")])
    """
    with holder(tree, writing) as process:
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
    for path, content in contents(local).items():
        assert path in {"f/0", "f/1", "f/2", "s"}
        assert len(content) == 50_000
        assert len(set(content)) == 1
    assert local.apply([put("f/1", b"next")]) == ()
    assert not (tree / STAGE).exists()


def as_nobody(code: str, *arguments: object) -> "subprocess.Popen[str]":
    # Loaded before, since others may not be able to read the interpreter's own files.
    become = "import shutil\nif os.geteuid() == 0:\n    os.setgroups([])\n    os.setgid(65534)\n    os.setuid(65534)\n"
    return child(become + textwrap.dedent(code), *arguments)


ATTEMPT = """
try:
    store.apply([Put(path="a/b", content=b"x")])
except StoreError as error:
    print(error)
"""


@pytest.fixture
def open_tree() -> Iterator[Path]:
    """A tree that other users can reach: pytest makes its own folders private, again and again."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "tree").mkdir()
        yield Path(folder) / "tree"


def test_a_tree_that_may_not_be_written_is_named_with_the_way_out(open_tree: Path) -> None:
    open_tree.chmod(0o555)
    assert said(as_nobody(ATTEMPT, open_tree)) == (
        f"{open_tree}/{STAGE}: cannot make the private folder: Permission denied. "
        "Give the user that runs this the right to read and write there."
    )


def test_a_folder_that_may_not_be_written_is_named_with_the_way_out(open_tree: Path) -> None:
    open_tree.chmod(0o777)
    (open_tree / "a").mkdir()
    (open_tree / "a").chmod(0o555)
    assert said(as_nobody(ATTEMPT, open_tree)) == (
        f"{open_tree}/a/b: cannot write: Permission denied. "
        "Give the user that runs this the right to read and write there."
    )


def test_a_file_that_may_not_be_read_is_named_with_the_way_out(open_tree: Path) -> None:
    (open_tree / "a").touch(mode=0)
    assert said(as_nobody('try:\n    store.read("a")\nexcept StoreError as error:\n    print(error)', open_tree)) == (
        f"{open_tree}/a: cannot read: Permission denied. "
        "Give the user that runs this the right to read and write there."
    )


def test_a_disk_that_takes_no_more_leaves_the_old_file_and_no_rest(local: LocalStore, tree: Path) -> None:
    local.apply([put("a/b", b"old")])
    limited = """
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    with store.session() as stage:
        try:
            store.apply([Put(path="a/c", content=b"fits"), Put(path="a/b", content=b"x" * 5000)])
        except StoreError as error:
            print(error)
        assert list(stage.iterdir()) == []
    """
    assert said(child(limited, tree)) == (
        f"{tree}/a/b: cannot write: File too large. "
        "A limit on the size of files is set (`ulimit -f`): raise it, then run this again."
    )
    assert contents(local) == {"a/b": b"old"}


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "x: cannot write: No space left on device. The disk is full: make room, then run this again."),
        (
            errno.EROFS,
            (
                "x: cannot write: Read-only file system. "
                "The file system is mounted read-only: mount it writable, or name another tree."
            ),
        ),
        (errno.EIO, "x: cannot write: Input/output error. Check the disk, then run this again."),
    ],
)
def test_what_the_system_refuses_is_said_with_the_way_out(number: int, sentence: str) -> None:
    assert str(failure("write", "x", OSError(number, os.strerror(number)))) == sentence


def test_a_root_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "tree").write_bytes(b"")
    local = LocalStore(tmp_path / "tree")
    for use in (lambda: local.read("a"), lambda: local.apply([put("a")]), lambda: list(local.list())):
        with pytest.raises(StoreError, match=r"Not a directory\. A file stands where a folder is needed: remove it"):
            use()


def test_a_missing_root_is_made_by_the_first_write_only(tmp_path: Path) -> None:
    local = LocalStore(tmp_path / "not" / "yet" / "made")
    assert list(local.list()) == []
    assert local.size("a") is None
    assert not (tmp_path / "not").exists()
    local.apply([put("a")])
    assert contents(local) == {"a": b"new"}


def test_a_file_moves_whole_to_another_file_system(tmp_path: Path, other_disk: Path) -> None:
    (tmp_path / "from").mkdir()
    source = tmp_path / "from" / "name"
    source.write_bytes(b"x" * 600_000)
    source.chmod(0o640)
    os.utime(source, ns=(5 * SECOND, 7 * SECOND))
    (other_disk / f"{STAGE}-target").write_bytes(b"left by a crash")
    folders = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in (source.parent, other_disk)]
    try:
        move_across(source.name, folders[0], "target", folders[1], f"{STAGE}-target", flush=True)
    finally:
        for folder in folders:
            os.close(folder)
    (target,) = other_disk.iterdir()
    assert target.name == "target"
    assert target.read_bytes() == b"x" * 600_000
    assert (mode(target), target.stat().st_mtime_ns) == (0o640, 7 * SECOND)
    assert not source.exists()


def test_a_whole_file_system_is_flushed_only_where_that_promises_as_much(tmp_path: Path) -> None:
    opened = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    processes = os.open("/proc" if sys.platform == "linux" else tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert not can_flush_all(processes)
        if can_flush_all(opened):
            flush_file_system(opened)
    finally:
        os.close(opened)
        os.close(processes)


def test_a_file_is_put_in_the_place_of_a_link_and_of_what_a_crash_left(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"kept")
    for name in ("file", ".file.part"):
        (tmp_path / name).symlink_to("precious")
    put_file_at(tmp_path / "file", b"new", mode=0o600)
    assert (tmp_path / "precious").read_bytes() == b"kept"
    assert (tmp_path / "file").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "file").lstat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "precious"]
