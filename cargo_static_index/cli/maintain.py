"""The commands that look after a tree: verify, reindex, rebuild."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, count, islice
from pathlib import Path
from typing import Literal

import click

from cargo_static_index.cli.command import OF_A_TREE, command, sections
from cargo_static_index.cli.documents import FindingDocument, KeptDocument, ReindexDocument, VerifyDocument
from cargo_static_index.cli.formats import Mark, print_json, print_marks
from cargo_static_index.cli.options import (
    Format,
    argument,
    as_json,
    dry_run,
    json_lines,
    one_format,
    output_format,
    yes,
)
from cargo_static_index.cli.output import ChangeListener, from_here
from cargo_static_index.cli.progress import Progress
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run, existing_tree
from cargo_static_index.cli.terminal import counted, is_confirmed, is_interactive, some_of
from cargo_static_index.diagnostics.errors import InvalidDocument, SettingsError
from cargo_static_index.diagnostics.problems import Finding, found, level_of
from cargo_static_index.diagnostics.rule import severity_of
from cargo_static_index.registry.missing import missing_in
from cargo_static_index.registry.options import Options, parse_share
from cargo_static_index.registry.registry import open_registry, verify_registry
from cargo_static_index.registry.reindex import Reindexed
from cargo_static_index.registry.verify.work import Work
from cargo_static_index.registry.workers import reading_executor, usable_jobs
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.tree.kept import kept_until
from cargo_static_index.tree.layout import index_file

Counts = dict[Literal["error", "warning", "fixed"], int]


# verify ----------------------------------------------------------------------------------------------------


@command(
    (*OF_A_TREE, "build.jobs", *sections("limits", "pages")),
    examples=("verify", "verify foo bar", "verify --quick", "verify --share 3/7", "verify --fix --dry-run"),
)
@argument("names", nargs=-1, metavar="[NAME]...", says="Only these crates.")
@click.option("--quick", is_flag=True, help="Look at presence and sizes only.")
@click.option("--share", metavar="I/N", help="Open the archives of the Ith of N shares of the crates: one a day, say.")
@click.option("--deep", is_flag=True, help="Read the archives in a bucket, too; those in a folder always are.")
@click.option("--fix", is_flag=True, help="Mend what can be mended without changing a release.")
@dry_run
@output_format
@as_json
def verify_command(
    run: Run,
    *,
    names: Sequence[str],
    quick: bool,
    share: str | None,
    deep: bool,
    fix: bool,
    dry_run: bool,
    output_format: Format,
    as_json: bool,
) -> int:
    """Look at the whole tree, or at single crates, and say what is wrong.

    Every line must have its archive with that checksum and say what it says, every archive a line; metadata, tombstones
    and the sums in tree.json must be right, and all pages there. What nothing held satisfies is warned of. The exit
    code is 1 where something is wrong and was not mended. Without --fix nothing is changed; --fix --dry-run says what
    would be. With --share the archives of a share of the crates are opened, and of the others looked for; all else is
    looked at as ever. Other processes may change the tree meanwhile: what looks wrong then is looked at again.
    """
    output = one_format(output_format, as_json=as_json)
    if quick and deep:
        raise SettingsError("--quick reads no archive, and --deep reads all; give one of them")
    existing_tree(run)
    listener = ChangeListener(run, dry=dry_run, silent=not dry_run or output != "text")
    options = Options(now=run.now, dry=dry_run)
    if fix and (share or names):
        raise SettingsError(f"--fix mends the whole tree: leave {'--share' if share else 'names'} out")
    with _looking(run, share) as (work, progress):
        findings = verify_registry(
            run.settings, listener, options, quick=quick, deep=deep, fix=fix, work=work, names=names or None
        )
        wanting = () if quick else _missing(run, names)
        documents = list(_reported(run, chain(findings, wanting), output, progress, dry=dry_run))
    counts = _counts(documents)
    kept = kept_until(existing_tree(run))
    if output == "json":
        shown = tuple(KeptDocument(name=name, version=vers, until=until) for (name, vers), until in kept.items())
        print_json(
            VerifyDocument(quick=quick, fix=fix, dry_run=dry_run, findings=tuple(documents), kept=shown, counts=counts)
        )
    elif output != "text":
        print_marks(output, [_mark(run.settings.tree.path, document) for document in documents])
    else:
        if kept:
            run.terminal.say(f"note: archives are kept of {counted(len(kept), 'removed release')}; `status` says which")
        said = ", ".join(counted(number, word) for word, number in counts.items() if word != "fixed")
        said = f"{said}, {counts['fixed']} fixed" if documents else "nothing is wrong"
        run.terminal.did("Finished", f"the dry run: {said}, had it been done" if fix and dry_run else said)
    return FOUND_WRONG if counts["error"] else GOOD


def _missing(run: Run, names: Sequence[str]) -> Iterator[Finding]:
    """Give the dependencies that nothing held satisfies, of these crates or of all, unless the policy is off."""
    if run.settings.levels.get("dependency-missing") == "allow":
        return
    # What is damaged is told already.
    with suppress(InvalidDocument), missing_in(existing_tree(run), run.settings.state.path, names) as dependencies:
        for need in dependencies.all():
            first = tuple(islice(dependencies.needed_by(need), 3))
            who = some_of(first, need.releases)
            what = f"of the versions held, {', '.join(need.held[-3:])}, none satisfies it" if need.held else "not held"
            path = index_file(first[0].partition("@")[0])
            yield found("dependency-missing", path, f"`{need.name}` {need.req}, needed by {who}: {what}.")


@contextmanager
def _looking(run: Run, share: str | None) -> Iterator[tuple[Work, Progress]]:
    """Give how a tree is looked at, and what shows how far that is."""
    progress, number = Progress(run), count(1)
    try:
        with reading_executor(usable_jobs(run.settings.build.jobs)) as executor:
            yield (
                Work(
                    executor=executor,
                    share=parse_share(share) if share else None,
                    tell=lambda name: progress.show("looked at", next(number), name),
                ),
                progress,
            )
    finally:
        progress.hide()


def _reported(
    run: Run, found: Iterable[Finding], output: Format, progress: Progress, *, dry: bool
) -> Iterator[FindingDocument]:
    told: set[tuple[str, str]] = set()  # what ends one cause is said once
    for finding in found:
        document = FindingDocument(
            rule=finding.rule,
            level=severity_of(level_of(finding, run.settings.levels)),
            path=finding.path,
            message=finding.message,
            way_out="" if finding.fixed else finding.way_out,
            fixed=finding.fixed,
        )
        if output == "text":
            progress.hide()
            place = from_here(str(run.settings.tree.path / finding.path))
            message = f"{finding.message} {'Would be fixed' if dry else 'Fixed'}." if finding.fixed else finding.message
            cause = (finding.rule, document.way_out)
            run.terminal.problem(
                document.level, finding.rule, message, place, "" if cause in told else document.way_out
            )
            told.add(cause)
        yield document


def _counts(documents: Iterable[FindingDocument]) -> Counts:
    counts: Counts = {"error": 0, "warning": 0, "fixed": 0}
    for document in documents:
        counts["fixed" if document.fixed else document.level] += 1
    return counts


def _mark(tree: Path | Bucket, document: FindingDocument) -> Mark:
    message = f"{document.message} {document.way_out}".rstrip()
    return Mark(path=from_here(str(tree / document.path)), rule=document.rule, level=document.level, message=message)


# reindex, rebuild ------------------------------------------------------------------------------------------


@command(
    (*OF_A_TREE, "mirror.upstream-index"),
    examples=("reindex --dry-run", "reindex foo --yes", "reindex --mode mirror"),
    outlives=True,
)
@argument("names", nargs=-1, metavar="[NAME]...", says="Only these crates.")
@yes
@dry_run
@json_lines
def reindex_command(run: Run, *, names: Sequence[str], yes: bool, dry_run: bool, as_json: bool) -> int:
    """Derive index lines anew from what is stored, of all crates or of those that are named.

    For an alias that was added late, or a changed mode. `pubtime`, `yanked` and foreign keys stay as they are, unless
    --upstream-index brings others. The difference is shown first; on a terminal the command then asks, elsewhere it
    wants --yes.
    """
    settings = run.settings
    existing_tree(run)
    listener = ChangeListener(run, dry=dry_run, silent=as_json)
    with open_registry(settings, listener, Options(now=run.now, dry=True, change_mode=True)) as registry:
        changes = sum(_show_change(run, change, as_json=as_json) for change in registry.plan_reindex(names))
        moded = settings.registry.mode not in {None, registry.transaction.home.mode}
    if dry_run or not (changes or moded):
        _sum_up_changes(run, "Would change" if dry_run else "Finished", changes, as_json=as_json)
        return GOOD
    if not yes:
        _ask(f"Change {counted(changes, 'line')}?" if changes else "Change the mode?")
    with open_registry(settings, listener, Options(now=run.now, change_mode=True)) as registry:
        for _ in registry.reindex(names):
            pass
    _sum_up_changes(run, "Changed", changes, as_json=as_json)
    return GOOD


def _sum_up_changes(run: Run, word: str, changes: int, *, as_json: bool) -> None:
    if as_json:  # where nothing but documents goes to standard output
        run.terminal.say(f"{word.lower()}: {counted(changes, 'line')}")
    else:
        run.terminal.did(word, counted(changes, "line"))


def _show_change(run: Run, change: Reindexed, *, as_json: bool) -> bool:
    """Print how one line changes, or why it stays; say whether it changes."""
    old, new, left = getattr(change, "old", None), getattr(change, "new", None), getattr(change, "reason", None)
    if as_json:
        print_json(
            ReindexDocument(
                path=change.path,
                name=change.name,
                version=change.vers,
                old=old.decode(errors="replace") if old is not None else None,
                new=new.decode(errors="replace") if new is not None else None,
                left=left,
            )
        )
    elif left is not None:
        run.terminal.warn(f"{change.path}: {change.name} {change.vers} is left as it is: {left}")
    elif old is not None and new is not None:
        run.terminal.result(change.path, f"-{old.decode(errors='replace')}", f"+{new.decode(errors='replace')}")
    return new is not None


def _ask(question: str) -> None:
    if not is_interactive():
        raise SettingsError("say --yes where nobody can be asked, or --dry-run to look only")
    if not is_confirmed(question):
        raise SettingsError("nothing was changed")


# Here `--pages` asks for pages; whether a registry has any is for its other commands to say.
@command(
    [key for key in (*OF_A_TREE, *sections("pages")) if key != "registry.pages"],
    examples=("rebuild", "rebuild --pages"),
    outlives=True,
)
@click.option("--pages", is_flag=True, help="Make all pages anew, too.")
@dry_run
def rebuild_command(run: Run, *, pages: bool, dry_run: bool) -> int:
    """Make the catalogue anew from the tree alone.

    No index file, archive or metadata changes; what tree.json counts is set right, and pages that do not show
    the tree are made anew. Nothing needs this: a catalogue that is missing, damaged or of another tree is made anew by
    the next build. It is for those who want it done now.
    """
    existing_tree(run)
    with open_registry(run.settings, ChangeListener(run, dry=dry_run), Options(now=run.now, dry=dry_run)) as registry:
        registry.rebuild()
        if pages:
            registry.remake_pages()
        crates, releases = registry.transaction.state.published.counts()
    run.terminal.did(
        "Would know" if dry_run else "Rebuilt", f"{counted(crates, 'crate')}, {counted(releases, 'release')}"
    )
    return GOOD
