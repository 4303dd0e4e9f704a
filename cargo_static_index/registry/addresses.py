"""Archives at the addresses of their versions, too: `crates/NAME/VERSION/download`, where a tree has such.

They are derived from the index (law 3): made once the line stands, so that two writers of one version never meet there.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby

from cargo_static_index.protocol.index_file import Line
from cargo_static_index.store import Change, Delete, Put, Staged, Store
from cargo_static_index.tree import layout
from cargo_static_index.tree.headers import release_tag
from cargo_static_index.tree.kept import kept_until
from cargo_static_index.tree.read import read_index

AT_ONCE = 256
"""Files that share a batch, and so its flushes."""

BYTES_AT_ONCE = 64 * 1024 * 1024
"""The bytes of archives from which on a batch is full, where they go through memory."""


def address_puts(store: Store, lines: Iterable[Line]) -> Iterator[list[Put]]:
    """Give the changes, in batches, that put archives of lines at the addresses of their versions.

    Each is a second name of the archive where the store has such, else a copy; one that is not there has none.
    """
    batch: list[Put] = []
    size = 0
    for line in lines:
        content = _content(store, layout.archive_file(line.name, line.cksum))
        if content is None:
            continue
        path, tags = layout.version_address(line.name, line.vers), (release_tag(line.name, line.vers),)
        batch.append(Put(path=path, content=content, tags=tags))
        size += len(content) if isinstance(content, bytes) else 0
        if len(batch) >= AT_ONCE or size >= BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def changes_of_addresses(store: Store, *, wanted: bool) -> Iterator[list[Change]]:
    """Give the changes, in batches, after which a tree has the addresses that its index makes, or none at all."""
    kept = kept_until(store)
    for name, paths in groupby(store.list(layout.CRATES), key=lambda path: path.split("/")[1]):
        yield from _of_crate(store, name, paths, kept, wanted=wanted)


def changes_of_crate(store: Store, name: str) -> Iterator[list[Change]]:
    """Give the changes, in batches, after which one crate has the addresses that its lines make."""
    yield from _of_crate(store, name, store.list(f"{layout.CRATES}/{name}"), kept_until(store), wanted=True)


def _of_crate(
    store: Store, name: str, paths: Iterable[str], kept: Collection[tuple[str, str]], *, wanted: bool
) -> Iterator[list[Change]]:
    held = {found[1] for path in paths if (found := layout.addressed_by(path))}
    lines = {line.vers: line for line in read_index(store, name).value.releases if wanted and line.name == name}
    stays = (vers for vers in held if wanted and (name, vers) in kept)
    gone: list[Change] = [
        Delete(path=layout.version_address(name, vers)) for vers in sorted(held.difference(lines, stays))
    ]
    if gone:
        yield gone
    for puts in address_puts(store, (line for vers, line in lines.items() if vers not in held)):
        yield [*puts]


def _content(store: Store, path: str) -> bytes | Staged | None:
    linked = store.link(path)
    if linked is not None:
        return linked
    stored = store.read(path)
    return stored.content if stored else None
