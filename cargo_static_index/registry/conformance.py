"""What every store must keep to, as checks that anybody can run over a store of their own, under pytest or without.

Each takes an empty store and raises AssertionError where it does not keep to the contract, with a sentence that says
how. Ours run all of them.
"""

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from cargo_static_index.registry.archives import GivenArchive
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry, specs_of, verify_registry
from cargo_static_index.settings import load_settings
from cargo_static_index.store import Delete, Put, Staged, Store
from cargo_static_index.tree.read import read_index

Check = Callable[[Store], None]


def _need(holds: bool, says: str) -> None:  # noqa: FBT001 - a condition, as in `assert`
    if not holds:
        raise AssertionError(says)


def _content(store: Store, path: str) -> bytes | None:
    stored = store.read(path)
    return stored.content if stored else None


def _tag(store: Store, path: str) -> str:
    stored = store.read(path)
    _need(stored is not None, f"{path} was written, and is not there")
    return stored.tag if stored else ""


def what_is_written_is_read(store: Store) -> None:
    """Files are read as they were written, by themselves and together, with their sizes; what is absent is None."""
    lost = store.apply([Put(path="a/b", content=b"one"), Put(path="c", content=b"")])
    _need(lost == (), "a batch that expects nothing gives nothing back")
    _need(_content(store, "a/b") == b"one", "what was written is read")
    _need(_content(store, "c") == b"", "an empty file is a file")
    _need((store.size("a/b"), store.size("c")) == (3, 0), "the size is that of the content")
    _need((store.read("a"), store.size("a/b/c")) == (None, None), "a folder is no file, and nothing lies in a file")
    together = [stored.content if stored else None for stored in store.read_all(["c", "nothing", "a/b"])]
    _need(together == [b"", None, b"one"], "files are read together in the order asked for")
    store.apply([Put(path="a/b", content=b"another")])
    _need(_content(store, "a/b") == b"another", "what is written again takes the place of what was there")


def names_are_listed_in_order(store: Store) -> None:
    """Paths are listed sorted, below a folder and after a path; a name that begins as a folder's does is no part."""
    paths = ["a-b", "a/b", "a/c/d", "ab", "b"]
    store.apply(Put(path=path, content=b"x") for path in reversed(paths))
    _need(list(store.list()) == paths, "all paths are listed, sorted")
    _need(list(store.list("a")) == ["a/b", "a/c/d"], "below a folder is what has its name and a slash before it")
    _need(list(store.list(after="a/b")) == ["a/c/d", "ab", "b"], "paths after one are those that sort after it")
    _need(list(store.list("a", after="a/b")) == ["a/c/d"], "both may be asked for")
    _need(list(store.list("nothing")) == [], "below what is not there is nothing")


def what_is_expected_is_held_to(store: Store) -> None:
    """Compare and swap: what does not find what it expects is given back, and the rest of the batch is carried out."""
    first = Put(path="a", content=b"1", expect="absent")
    _need(store.apply([first]) == (), "nothing was there, as expected")
    again = Put(path="a", content=b"2", expect="absent")
    _need(store.apply([again, Put(path="b", content=b"x")]) == (again,), "what did not find it absent is given back")
    _need((_content(store, "a"), _content(store, "b")) == (b"1", b"x"), "and only that is not carried out")
    tag = _tag(store, "a")
    _need(store.apply([Put(path="a", content=b"3", expect=tag)]) == (), "a tag that holds lets it be replaced")
    _need(_tag(store, "a") != tag, "other content has another tag")
    late = Put(path="a", content=b"4", expect=tag)
    _need(store.apply([late]) == (late,), "an old tag does not")
    stale = Delete(path="a", expect=tag)
    _need(store.apply([stale]) == (stale,), "nor can it be deleted by an old tag")
    _need(_content(store, "a") == b"3", "and it stays as it was")


def what_is_deleted_is_gone(store: Store) -> None:
    """Deleted files are gone; deleting nothing is fine; a name may be used again."""
    store.apply([Put(path="a/b", content=b"1")])
    _need(store.apply([Delete(path="a/b"), Delete(path="a/b"), Delete(path="never")]) == (), "deleting nothing is fine")
    _need((store.read("a/b"), list(store.list())) == (None, []), "what was deleted is gone")
    store.apply([Put(path="a", content=b"2", expect="absent")])
    _need(_content(store, "a") == b"2", "the name of a folder that is empty can be a file's")


def staged_files_are_taken(store: Store) -> None:
    """A file that was staged in the session's folder becomes the content, and is consumed."""
    with store.session() as stage:
        staged = stage / "large"
        with staged.open("xb") as file:
            file.write(b"staged")
        _need(store.apply([Put(path="a", content=Staged(str(staged)))]) == (), "a staged file can be put")
        _need(not staged.exists(), "a staged file that was put is consumed")
        linked = store.link("a")
        _need(linked is None or Path(linked).read_bytes() == b"staged", "a second name is of the same content")
    _need(not stage.exists(), "the session's folder goes with the session")
    _need(_content(store, "a") == b"staged", "what was staged is read")


def a_registry_works_in_it(store: Store) -> None:
    """Releases are added, yanked and removed, each in a session of its own, and the tree is sound after it."""
    with TemporaryDirectory() as folder:
        options = {"state.path": "state", "registry.base-url": "https://crates.example.com/"}
        settings = load_settings(options, environment={}, directory=Path(folder)).settings
        archives = [GivenArchive(content=_archive(f"1.{minor}.0")) for minor in range(3)]
        report = Report()
        with open_registry(settings, report, Options(now=1_700_000_000), store=store) as registry:
            registry.add(archives)
        _need([outcome.status for outcome in report.outcomes] == ["published"] * 3, "archives can be published")
        with open_registry(settings, Report(), Options(now=1_700_000_060), store=store) as registry:
            registry.set_yanked(specs_of(["conforming@1.0.0"]), yanked=True)
            registry.remove(specs_of(["conforming@1.1.0"]))
        lines = [(line.vers, line.yanked) for line in read_index(store, "conforming").value.releases]
        _need(lines == [("1.0.0", True), ("1.2.0", False)], "yanks and removals are kept")
        wrong = list(verify_registry(settings, Report(), Options(now=1_700_000_120), store=store))
        _need(not wrong, f"the tree is sound: {', '.join(finding.path for finding in wrong)}")


STORE_CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        check.__name__: check
        for check in (
            what_is_written_is_read,
            names_are_listed_in_order,
            what_is_expected_is_held_to,
            what_is_deleted_is_gone,
            staged_files_are_taken,
            a_registry_works_in_it,
        )
    }
)
"""The checks by their names; each wants an empty store."""


def _archive(version: str) -> bytes:
    """Give a small crate as cargo packages it."""
    manifest = f'[package]\nname = "conforming"\nversion = "{version}"\nedition = "2021"\ndescription = "A crate."\n'
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in (("Cargo.toml", f'{manifest}license = "MIT"\n'), ("src/lib.rs", "")):
            entry = tarfile.TarInfo(f"conforming-{version}/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()
