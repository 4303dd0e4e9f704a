"""The commands that show what is held: list, info, search. They read the tree alone, and lock nothing."""

from collections.abc import Iterable
from typing import Annotated

import typer

from cargo_static_index.cli.documents import ReleaseDocument
from cargo_static_index.cli.formats import print_json
from cargo_static_index.cli.options import OF_A_TREE, JsonLines, command
from cargo_static_index.cli.running import GOOD, Run
from cargo_static_index.errors import NotHeld
from cargo_static_index.protocol.index import IndexFile
from cargo_static_index.registry import store_of
from cargo_static_index.store import Store
from cargo_static_index.tree import index_paths, read_index, read_index_at

EXAMPLES = {"list": ("list", "list foo", "list --json")}


@command(OF_A_TREE)
def list_command(
    run: Run,
    *,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these crates.")] = None,
    as_json: JsonLines = False,
) -> int:
    """List what is held, a release a line, as `yank` and `remove` take them."""
    store = store_of(run.settings)
    for file in _files(store, names or []):
        for line in file.releases:
            if as_json:
                print_json(
                    ReleaseDocument(
                        name=line.name, version=line.vers, checksum=line.cksum, yanked=line.yanked, pubtime=line.pubtime
                    )
                )
            else:
                run.terminal.result(f"{line.name}@{line.vers}{'  (yanked)' if line.yanked else ''}")
    return GOOD


def _files(store: Store, names: list[str]) -> Iterable[IndexFile]:
    """Give the index files of these crates, or of all, by name."""
    if names:
        return [_file(store, name) for name in names]
    paths = sorted(index_paths(store), key=lambda path: path.rpartition("/")[2])
    return (read_index_at(store, path).file for path in paths)


def _file(store: Store, name: str) -> IndexFile:
    file = read_index(store, name).file
    if not file.releases:
        raise NotHeld(f"there is no crate {name!r} in this registry; `list` shows what is held")
    return file
