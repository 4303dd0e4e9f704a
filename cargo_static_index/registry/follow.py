"""Learning what others changed since a state knew the tree, from the records of their changes.

It costs what was changed. Whether all of it was learnt the digest in tree.json tells: where it does not agree, one
looks further back, and where that does not help, either, the whole index is to be read.
"""

from datetime import timedelta

from msgspec.structs import replace

from cargo_static_index.registry.known import learn_files, learn_tombstones
from cargo_static_index.registry.shared import LATE, read_changes
from cargo_static_index.state import CrateChange, State
from cargo_static_index.store import Store
from cargo_static_index.tree.changes import BEGUN, CHANGES, ChangedFile, change_file, change_id, identity_of, time_of
from cargo_static_index.tree.documents import TreeRecord

FURTHER = timedelta(days=1)
"""How far one looks back where what was listed first does not explain everything."""

FEW = 100
"""Files that are read one by one in any case; of more, only up to half of all crates, for then all is as quick."""


def follow(state: State, store: Store, record: TreeRecord) -> list[CrateChange] | None:
    """Bring a state in step with a tree of which tree.json says `record`; None where the whole index is to be read.

    Gives what it learnt. Nothing in the tree is changed. Where no lock keeps others out, clocks and puts may be late.
    """
    learnt: list[CrateChange] = []
    for back in (LATE if store.shared else timedelta(), FURTHER) if state.site.followed else ():
        last, files = _changed_since(store, state.site.followed, back)
        new = {path: some[-1].name for path, some in files.items() if _is_news(state.indexed.digest(path), some)}
        if len(new) > max(FEW, record.crates // 2):
            return None
        learnt += learn_files(state, store, new)
        for name in {file.name for some in files.values() for file in some if file.tombstones}:
            learn_tombstones(state, store, name)
        if is_known(state, record):
            state.site = replace(state.site, followed=last)
            return learnt
    return None


def is_known(state: State, record: TreeRecord) -> bool:
    """Whether a state knows all index files that tree.json sums up, and nothing else."""
    return state.indexed.sum == int(record.digest, 16) and state.published.counts() == (record.crates, record.releases)


def _is_news(digest: int, changes: list[ChangedFile]) -> bool:
    """Whether a file that counts for `digest`, as far as is known, was changed since: clocks tell no order."""
    return any(change.before.number == digest for change in changes) or all(
        change.after.number != digest for change in changes
    )


def _changed_since(store: Store, followed: str, back: timedelta) -> tuple[str, dict[str, list[ChangedFile]]]:
    """Give the id of the last change, and the changes of each file since so long before one that was seen."""
    paths = list(store.list(CHANGES, after=change_file(_before(followed, back))))
    last = max([followed, *map(identity_of, paths)])
    records = read_changes(store, [*paths, *(store.list(BEGUN) if store.shared else ())])
    files: dict[str, list[ChangedFile]] = {}
    for file in (file for record in records for file in record.files):
        files.setdefault(file.path, []).append(file)
    return last, files


def _before(identity: str, back: timedelta) -> str:
    """Give what sorts before the ids of all changes that were done so long before another, or after it."""
    done = time_of(identity)
    return change_id(done - back, "") if done and back else identity
