"""What no client could resolve from here: dependencies that no release held here satisfies."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from cargo_static_index.diagnostics.errors import InvalidRequirement
from cargo_static_index.protocol.index_entry import Dependency, Needed, parse_needed
from cargo_static_index.protocol.index_file import IndexFile
from cargo_static_index.protocol.names import is_crate_name
from cargo_static_index.protocol.semver import order_key
from cargo_static_index.registry.follow import is_known
from cargo_static_index.state import State, may_write, open_state
from cargo_static_index.state.lookups import NeededCrate
from cargo_static_index.store import Store
from cargo_static_index.tree.layout import index_file
from cargo_static_index.tree.missing import satisfied
from cargo_static_index.tree.read import index_paths, read_index, read_indexes, read_record

FILES_AT_ONCE = 500
"""Index files whose needs are read in one transaction of the state."""


class Missing(Struct, frozen=True, kw_only=True):
    """A dependency that nothing held here satisfies, and how many releases need it.

    `held` are the versions of it that there are, less those that are yanked, the lowest first.
    """

    name: str
    req: str
    held: tuple[str, ...]
    releases: int


class MissingDependencies:
    """What the crates of a tree need and it does not hold, as a state remembers it.

    No more of it than some hundred index files is in memory at once.
    """

    def __init__(self, store: Store, state: State) -> None:
        self._store = store
        self._needs = state.needs
        self._writing = state.writing

    def all(self) -> Iterator[Missing]:
        """Give all that is missing, by name and requirement, once what changed since somebody asked is read."""
        while paths := self._needs.stale(FILES_AT_ONCE):
            with self._writing():
                self._read(paths)
        for (name, req), releases, held in self._needs.missing():
            yield Missing(name=name, req=req, held=held, releases=releases)

    def needed_by(self, missing: Missing) -> Iterator[str]:
        """Give the releases that need what is missing, `NAME@VERSION`, by the paths of their index files."""
        return self._needs.by((missing.name, missing.req))

    def _read(self, paths: Sequence[str]) -> None:
        """Read what the crates of index files need, and judge needs that are new and needs of these very crates."""
        to_judge: set[NeededCrate] = set()
        for index in read_indexes(self._store, paths):
            to_judge.update(self._needs.change(index.path, _needs_of(index.value)))
        for path in paths:
            to_judge.update(self._needs.of_file(path))
        # Versions are kept no longer than this: who is asked next may have changed meanwhile.
        versions = cache(partial(versions_held, self._store))
        self._needs.judge({need: _in_vain(need[1], versions(need[0])) for need in sorted(to_judge)})


@contextmanager
def missing_in(
    store: Store, state_folder: Path | None = None, names: Collection[str] = ()
) -> Iterator[MissingDependencies]:
    """Ask what is missing for some crates, or for all.

    For all it costs what changed since somebody asked before, where the state is the caller's and knows the tree. Else
    the index files are read: what they need is written to a state that is thrown away.
    """
    with ExitStack() as stack:
        if not names and state_folder is not None and may_write(state_folder):
            state = stack.enter_context(open_state(state_folder))
            if is_known(state, read_record(store).value):
                yield MissingDependencies(store, state)
                return
        folder = stack.enter_context(TemporaryDirectory(prefix="cargo-static-index-"))
        state = stack.enter_context(open_state(Path(folder)))
        state.needs.read_again(map(index_file, names) if names else index_paths(store))
        yield MissingDependencies(store, state)


def versions_held(store: Store, name: str) -> tuple[str, ...]:
    """Give the versions that are held of a crate of exactly this name, less those that are yanked.

    There are none of a name that no crate can have: other tools write lines, too.
    """
    if not is_crate_name(name):
        return ()
    releases = read_index(store, name).value.releases
    return tuple(line.vers for line in releases if line.name == name and not line.yanked)


def needed_here(deps: Iterable[Dependency | Needed]) -> set[NeededCrate]:
    """Give name and requirement of what nobody can do without who resolves a release, and that is looked for here."""
    return {(dep.crate, dep.req) for dep in deps if dep.registry is None and dep.is_required}


def _needs_of(index: IndexFile) -> dict[NeededCrate, list[str]]:
    """Give what releases of a crate need; nothing of those that are yanked, since nobody chooses them."""
    needs: dict[NeededCrate, list[str]] = {}
    for line in index.releases:
        for need in () if line.yanked else needed_here(parse_needed(line.raw)):
            needs.setdefault(need, []).append(f"{line.name}@{line.vers}")
    return needs


def _in_vain(req: str, versions: Collection[str]) -> list[str] | None:
    """Give these versions, the lowest first, where none satisfies a requirement, else None."""
    try:
        return None if satisfied(req, versions) else sorted(versions, key=order_key)
    except InvalidRequirement:  # cargo skips the line, so nobody needs it
        return None
