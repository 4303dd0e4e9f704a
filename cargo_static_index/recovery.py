"""Beginning where an earlier process left off: what it began is finished, and what is not known is read."""

import msgspec

from cargo_static_index.changes import remove_versions
from cargo_static_index.knowledge import learn_all
from cargo_static_index.record import format_document
from cargo_static_index.session import KNOWN_TREE, Session


def recover(session: Session) -> None:
    """Finish what was begun, and make the catalogue anew where the tree is not the one that it knows."""
    unfinished = tuple(session.catalogue.intents.unfinished())
    if unfinished or session.catalogue.get(KNOWN_TREE) != format_document(session.record):
        reconcile(session)
    for intent in unfinished:
        if intent.kind == "remove":
            name, *versions = msgspec.json.decode(intent.detail, type=tuple[str, ...])
            remove_versions(session, name, versions)
    session.catalogue.intents.finish(intent.path for intent in unfinished)


def reconcile(session: Session) -> None:
    """Read the whole index, bring the catalogue and tree.json in step with it, and finish broken-off removals."""
    total, broken_off = learn_all(session.catalogue, session.store)
    session.catalogue.drops.reopen_unpublished()
    session.update_record(lambda record: record.counting(total))
    for name, vers in broken_off:
        remove_versions(session, name, [vers])
