"""What is public, used in ways that its docstrings do not allow: an error of ours says so, whatever type is given."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cargo_static_index import (
    Bucket,
    CargoStaticIndexError,
    GivenArchive,
    Home,
    HostShare,
    InvalidConfig,
    InvalidInput,
    Limits,
    LocalStore,
    MemoryStore,
    NotHeld,
    Options,
    Policy,
    Put,
    Registry,
    Report,
    SettingsError,
    StoreError,
    archive_file,
    candidate_of,
    check_crate,
    open_registry,
    read_index,
    read_metadata,
    released_archives,
    specs_of,
    verify_registry,
)
from tests.crates import crate
from tests.world import T0, World

FOO = crate("foo")
TextIO: Any = io.StringIO
TEXT: Any = "text"
NUMBER: Any = 1.5
HOME: Any = Home
MISUSED: dict[str, tuple[Callable[[], object], type[CargoStaticIndexError], str]] = {
    "a required field": (lambda: Policy(required_fields=("bogus",)), InvalidInput, "'bogus' is not one of authors"),
    "fields as a text": (lambda: Policy(required_fields=TEXT), InvalidInput, "`required_fields` is 'text', which is"),
    "a rule": (lambda: Policy(levels={"vcs-dirt": "refuse"}), InvalidInput, "`levels`: there is no rule 'vcs-dirt'"),
    "a level": (lambda: Policy(levels={"vcs-dirty": TEXT}), InvalidInput, "'text' is not one of 'refuse', 'warn'"),
    "limits": (lambda: Policy(limits=TEXT), InvalidInput, "`limits` is 'text', which is of another type"),
    "a home": (lambda: Policy(home=HOME), InvalidInput, "`home` is <class"),
    "own rules": (lambda: Policy(own_rules=TEXT), InvalidInput, "`own_rules` is 'text', which is of another type"),
    "an allowed URL": (lambda: Policy(allowed=("y",)), InvalidConfig, "the index URL 'y' is not absolute"),
    "a limit": (lambda: Limits(packed_bytes=-1), InvalidInput, "`packed_bytes` is -1, and a limit is a whole number"),
    "half a file": (lambda: Limits(entries=NUMBER), InvalidInput, "`entries` is 1.5, and a limit is a whole number"),
    "a URL": (lambda: Home(urls=("x",)), InvalidConfig, "the index URL 'x' is not absolute"),
    "URLs as a text": (lambda: Home(urls=TEXT), InvalidInput, "`urls` is 'text', which is of another type"),
    "a mode": (lambda: Home(mode=TEXT), InvalidInput, "`mode` is 'text', and not one of 'registry', 'mirror'"),
    "a time": (lambda: Options(now=-5), InvalidInput, "`now` is -5"),
    "half a second": (lambda: Options(now=NUMBER), InvalidInput, "`now` is 1.5, which is of another type"),
    "a share": (lambda: HostShare(0, 0), InvalidInput, "there is no share 0 of 0"),
    "a share as a text": (lambda: Options(now=T0, share=TEXT), InvalidInput, "`share` is 'text', which is of another"),
    "rules as a text": (
        lambda: Options(now=T0, own_rules=TEXT),
        InvalidInput,
        "`own_rules` is 'text', which",
    ),
    "two @": (lambda: specs_of(["a@b@c"]), SettingsError, "'a@b@c' names no release: it has two `@`"),
    "one text": (lambda: specs_of("foo"), SettingsError, r"give several, as in `specs_of\(\['foo'\]\)`"),
    "a stream of text": (lambda: check_crate(TextIO("x"), Policy()), InvalidInput, "must give bytes; open files with"),
    "no line": (lambda: candidate_of(check_crate(io.BytesIO(), Policy()), home=Home()), InvalidInput, "no index line"),
    "a place": (lambda: MemoryStore().apply([Put(path="../x", content=b"")]), InvalidInput, "is not a path in a tree"),
    "a name": (lambda: read_index(MemoryStore(), "../../x"), InvalidInput, "is not a path in a tree"),
    "a checksum": (lambda: read_metadata(MemoryStore(), "foo", "../../x"), InvalidInput, "is not a path in a tree"),
    "a bucket": (lambda: Bucket("ftp", "x"), InvalidInput, "ftp://x is no bucket: give one of the schemes s3, gs, az"),
    "no bucket": (lambda: Bucket("s3", ""), InvalidInput, "s3:// is no bucket"),
    "a file's mode": (lambda: LocalStore(Path("x"), file_mode=-1), InvalidInput, "modes are from 0 to 0o7777"),
    "a timeout": (lambda: LocalStore(Path("x"), lock_timeout=-1), InvalidInput, "a timeout is at least 0 seconds"),
    "a release": (lambda: released_archives(MemoryStore(), specs_of(["foo"])), NotHeld, "there is no release foo"),
}


@pytest.mark.parametrize("misused", MISUSED)
def test_what_is_misused_raises_an_error_of_ours(misused: str) -> None:
    use, error, sentence = MISUSED[misused]
    with pytest.raises(error, match=sentence):
        use()


MISUSED_OPEN: dict[str, tuple[Callable[[Registry], object], type[CargoStaticIndexError], str]] = {
    "content": (lambda it: it.add([GivenArchive(content=TEXT)]), InvalidInput, "`content` is of the type `str`, and"),
    "a stream": (lambda it: it.add([GivenArchive(content=TextIO("x"))]), InvalidInput, "the stream gives text"),
    "a time": (lambda it: it.add([GivenArchive(content=b"", pubtime="x")]), InvalidInput, "'x' is no `pubtime`"),
    "an owner": (lambda it: it.change_owners("foo", add=["a b"]), InvalidInput, "'a b' is no owner"),
    "a crate": (lambda it: it.remove(specs_of(["bar"])), NotHeld, "there is no crate 'bar' in this registry"),
    "a release": (lambda it: it.set_yanked(specs_of(["foo@9.0.0"]), yanked=True), NotHeld, "no release foo 9.0.0"),
    "a line": (lambda it: list(it.reindex(["bar"])), NotHeld, "there is no crate 'bar' in this registry"),
}


@pytest.mark.parametrize("misused", MISUSED_OPEN)
def test_what_is_misused_of_an_open_registry_changes_nothing(tmp_path: Path, misused: str) -> None:
    use, error, sentence = MISUSED_OPEN[misused]
    world = World(tmp_path, {"registry.pages": False}, store=MemoryStore())
    world.put(FOO)
    world.build()
    before = world.files()
    with (
        pytest.raises(error, match=sentence),
        open_registry(world.settings(), Report(), Options(now=T0), store=world.store) as registry,
    ):
        use(registry)
    assert world.files() == before


@pytest.mark.parametrize(
    ("names", "fix", "error", "sentence"),
    [
        (["bar"], False, NotHeld, "there is no crate 'bar' in this registry; `list` shows what is held"),
        (["../x"], False, SettingsError, "'../x' names no crate"),
        ("foo", False, SettingsError, "'foo' is one text; give several"),
        (["foo"], True, SettingsError, "`fix` mends the whole tree: leave `names` out"),
    ],
)
def test_crates_that_are_verified_are_held(
    tmp_path: Path, names: list[str], fix: bool, error: type[CargoStaticIndexError], sentence: str
) -> None:
    world = World(tmp_path, {"registry.pages": False})
    world.put(FOO)
    world.build()
    with pytest.raises(error, match=sentence):
        list(verify_registry(world.settings(), Report(), Options(now=T0), names=names, fix=fix))


def test_another_access_is_an_error_of_ours(tmp_path: Path) -> None:
    opening = open_registry(World(tmp_path).settings(), Report(), Options(now=T0), access=TEXT)
    with pytest.raises(InvalidInput, match="`access` is 'text', and not one of 'write', 'dry', 'look'"), opening:
        pass


def test_a_closed_registry_says_so_whatever_is_asked_of_it(tmp_path: Path) -> None:
    world = World(tmp_path, store=MemoryStore())
    with open_registry(world.settings(), Report(), Options(now=T0), store=world.store) as registry:
        registry.add([GivenArchive(content=FOO.build())])
    uses: tuple[Callable[[], object], ...] = (
        *(registry.build, registry.rebuild, registry.kept_until, lambda: registry.add([])),
        *(lambda: registry.remove(specs_of(["foo"])), lambda: registry.dropped_files(specs_of(["foo@1.0.0"])[0])),
        *(lambda: registry.owners("foo"), lambda: registry.change_owners("foo", add=["alice"])),
    )
    for use in uses:
        with pytest.raises(StoreError, match="the registry is closed; open it again with `open_registry`"):
            use()
    assert world.store is not None
    assert world.store.size(archive_file("foo", FOO.cksum())) == len(FOO.build())
