"""What to say of a crate that is not held: that it was removed, or which one may have been meant."""

from collections.abc import Iterable

from cargo_static_index.diagnostics.errors import NotHeld
from cargo_static_index.store import Store
from cargo_static_index.tree.layout import CRATES
from cargo_static_index.tree.read import index_paths, read_index, read_index_at, say_removed


def need_crates(store: Store, names: Iterable[str]) -> None:
    """Raise NotHeld where the tree knows nothing of one of these crates, not even that it was removed."""
    for name in names:
        if read_index(store, name).stored is None and not any(store.list(f"{CRATES}/{name}")):
            raise NotHeld(f"there is no crate {name!r} in this registry; {hint_for(store, name)}")


def hint_for(store: Store, name: str) -> str:
    """Give what helps whoever named a crate that is not held."""
    if said := say_removed(store, name):
        return said
    meant = next((line.name for line in read_index(store, name).value.releases), None) or _similar(store, name)
    return f"did you mean {meant!r}?" if meant else "`list` shows what is held"


def _similar(store: Store, name: str) -> str | None:
    from difflib import get_close_matches

    names = {path.rpartition("/")[2]: path for path in index_paths(store)}
    found = get_close_matches(name.lower(), names, n=1, cutoff=0.75)
    lines = read_index_at(store, names[found[0]]).value.releases if found else ()
    return lines[0].name if lines else None
