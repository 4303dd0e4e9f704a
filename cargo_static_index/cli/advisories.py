"""The command `advisories`: which of the releases that are held security advisories affect."""

from collections.abc import Collection, Iterator, Sequence

import click
from msgspec.structs import asdict

from cargo_static_index.cli.command import command, sections
from cargo_static_index.cli.documents import AdvisoryDocument
from cargo_static_index.cli.formats import print_json
from cargo_static_index.cli.options import argument, json_lines
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run, existing_tree
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.registry.advisories import AdvisoryDatabase, notes_on
from cargo_static_index.registry.configured import home_of
from cargo_static_index.store import Store
from cargo_static_index.tree.read import read_index, read_record


@command(
    sections("registry", "tree", "advisories"),
    examples=("advisories --advisories advisory-db", "advisories --deny foo", "advisories --json"),
)
@argument("names", nargs=-1, metavar="[NAME]...", says="Only these crates.")
@click.option("--deny", is_flag=True, help="End with 1 where an advisory affects a release that is not yanked.")
@json_lines
def advisories_command(run: Run, *, names: Sequence[str], deny: bool, as_json: bool) -> int:
    """List the security advisories that affect what is held, the crates by name, each with the releases it affects.

    Only the index files of crates that the database has a folder for are read.
    """
    store = existing_tree(run)
    read_record(store)
    folder = run.settings.advisories.path
    if folder is None:
        raise SettingsError(
            "there is no advisory database: name a checkout of one with --advisories, or as `path` in `[advisories]`"
        )
    found = False
    for document in _found(run, store, AdvisoryDatabase(folder=folder, home=home_of(run.settings, store)), names):
        found = found or document.versions != document.yanked
        if as_json:
            print_json(document)
        else:
            run.terminal.result(_line(document))
    return FOUND_WRONG if found and deny else GOOD


def _found(run: Run, store: Store, database: AdvisoryDatabase, names: Collection[str]) -> Iterator[AdvisoryDocument]:
    """Give an advisory of a crate at a time, and say which cannot be read."""
    for name in sorted(name for name in database.names() if not names or name in names):
        lines = [line for line in read_index(store, name).value.releases if line.name == name]
        if not lines:
            continue
        found, unread = database.of(name)
        for path, reason in unread.items():
            run.terminal.warn(f"{path}: this advisory is left out: {reason}")
        yanked = {line.vers for line in lines if line.yanked}
        for note in notes_on(found, [line.vers for line in lines]):
            affected = tuple(vers for vers in note.versions if vers in yanked)
            yield AdvisoryDocument(name=name, yanked=affected, **asdict(note))


def _line(document: AdvisoryDocument) -> str:
    patched = f"patched in {' or '.join(document.patched)}" if document.patched else "no patched version is known"
    versions = ", ".join(f"{vers} (yanked)" if vers in document.yanked else vers for vers in document.versions)
    kind = document.informational or "vulnerability"
    return f"{document.id}  {document.name} {versions}  {kind}: {document.title}; {patched}"
