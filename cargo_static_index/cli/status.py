"""The command that says how a registry is: status. It changes nothing, and needs no right to."""

import re
from collections.abc import Sequence
from os import fsdecode

import click
from msgspec import convert, to_builtins
from msgspec.structs import replace

from cargo_static_index.cli.command import OF_A_TREE, command, sections
from cargo_static_index.cli.documents import (
    KeptDocument,
    OnChangeDocument,
    RefusedDocument,
    StatusDocument,
    WatchDocument,
)
from cargo_static_index.cli.file_document import ProblemDocument
from cargo_static_index.cli.formats import print_json
from cargo_static_index.cli.options import json_lines
from cargo_static_index.cli.output import from_here
from cargo_static_index.cli.run import FOUND_WRONG, GOOD, Run, need_drop
from cargo_static_index.cli.terminal import counted
from cargo_static_index.crate.candidate import Outcome
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.diagnostics.problems import level_of
from cargo_static_index.registry.on_change import Delivery
from cargo_static_index.registry.registry import drop_of
from cargo_static_index.registry.scan import source_start
from cargo_static_index.registry.status import Status, read_status
from cargo_static_index.registry.watch.health import LastWord
from cargo_static_index.settings import Settings

_SILENT = 60
"""Seconds after which a watcher that says nothing is not believed to work: it speaks every ten."""

_AHEAD = 60
"""Seconds by which clocks may differ; a build that ended later than that tells nothing of its age."""


@command((*OF_A_TREE, *sections("drop", "rules")), examples=("status", "status --max-age 10m"))
@click.option("--max-age", metavar="AGE", help="Exit with 1 where the last build is older: 90s, 10m, 2h, 7d.")
@json_lines
def status_command(run: Run, *, max_age: str | None, as_json: bool) -> int:
    """Say when the last build was, what waits in the drop directory, and what is refused and why.

    Nothing is changed. With --max-age the exit code is 1 where the last `build` ended longer ago, or there was none,
    and no watcher that works has said since that there was nothing to do.
    """
    need_drop(run)
    oldest = None if max_age is None else run.now - parse_age(max_age)
    found = read_status(run.settings)
    document = StatusDocument(
        base_url=found.base_url,
        crates=found.crates,
        releases=found.releases,
        last_build=found.last_build,
        state_readable=found.state_readable,
        stale=oldest is not None and _is_stale(found, oldest, run.now),
        waiting=tuple(map(from_here, found.waiting)),
        refused=tuple(_refused(run.settings, file) for file in found.refused),
        kept=tuple(KeptDocument(name=name, version=vers, until=until) for (name, vers), until in found.kept.items()),
        watch=None if found.watch is None else _watch(run.settings, found.watch),
        on_change=None if found.delivery is None else _on_change(found.delivery, found.undelivered),
    )
    if as_json:
        print_json(document)
    else:
        _show_status(run, document)
    return FOUND_WRONG if document.stale else GOOD


def parse_age(text: str) -> int:
    """Read an age such as `90s`, `10m`, `2h` or `7d` as seconds, or raise SettingsError."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if found is None:
        raise SettingsError(f"--max-age: {text!r} must be a number and a unit, such as 90s, 10m, 2h or 7d")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


def _is_stale(status: Status, oldest: int, now: int) -> bool:
    """Whether the last build ended before `oldest`, or there was none, and no watcher looks after it."""
    spoke = status.watch.spoke if status.watch is not None and status.watch.all_is_done else None
    ends = [end for end in (status.last_build, spoke) if end is not None]
    return not any(oldest <= end <= now + _AHEAD for end in ends)


def _on_change(delivery: Delivery, undelivered: int) -> OnChangeDocument:
    return convert({"undelivered": undelivered, **to_builtins(delivery)}, OnChangeDocument)


def _watch(settings: Settings, word: LastWord) -> WatchDocument:
    start = fsdecode(source_start(settings.drop.path))
    document = convert({"running": word.running, "spoke": word.spoke, **to_builtins(word.health)}, WatchDocument)
    waiting = (replace(file, path=from_here(escape(start + file.path))) for file in document.waiting)
    return replace(document, waiting=tuple(waiting))


def _refused(settings: Settings, outcome: Outcome) -> RefusedDocument:
    problems = (
        ProblemDocument(
            rule=problem.rule, level="error", message=problem.message, place=problem.place, way_out=problem.way_out
        )
        for problem in outcome.problems
        if level_of(problem, settings.levels) == "refuse"
    )
    return RefusedDocument(
        path=from_here(drop_of(settings).source_of(outcome.candidate.file)),
        name=outcome.name,
        version=outcome.vers,
        since=outcome.first_seen,
        problems=tuple(problems),
    )


def _show_status(run: Run, status: StatusDocument) -> None:
    say = run.terminal.result
    counts = f"{counted(status.crates, 'crate')}, {counted(status.releases, 'release')}"
    say(f"registry: {status.base_url or 'none yet'}, {counts}")
    last = _ago(status.last_build, run.now) if status.state_readable else "not known"
    say(f"last build: {last}{' (stale)' if status.stale else ''}")
    if status.watch is not None:
        _show_watch(run, status.watch)
    if status.on_change is not None:
        _show_on_change(run, status.on_change)
    if not status.state_readable:
        run.terminal.warn(
            f"the state in {str(run.settings.state.path)!r} may not be read, so what was refused before is not known; "
            "run this as the user who builds"
        )
    say(f"waiting: {len(status.waiting)}")
    reasons = _reasons(status.watch, run.now)
    for path in status.waiting[: None if run.terminal.verbose else 10]:
        say(f"  {path}{reasons.get(path, '')}")
    if len(status.waiting) > 10 and not run.terminal.verbose:
        say(f"  and {len(status.waiting) - 10} more")
    if status.kept:
        _show_kept(run, status.kept)
    say(f"refused: {len(status.refused)}")
    for file in status.refused:
        for problem in file.problems:
            place = f"{file.path}: {problem.place}" if problem.place else file.path
            run.terminal.problem("error", problem.rule, problem.message, place, problem.way_out)


_WHY = {"open": "nobody has closed it yet", "young": "it was changed a moment ago, and has to settle"}


def _reasons(watch: WatchDocument | None, now: int) -> dict[str, str]:
    """Give why the watcher waits for files, by path."""
    waiting = watch.waiting if watch is not None and watch.running else ()
    return {file.path: f" ({_WHY[file.why]}; it came {_ago(file.since, now)})" for file in waiting}


def _show_watch(run: Run, watch: WatchDocument) -> None:
    say, now = run.terminal.result, run.now
    if not watch.running:
        say(f"watching: nobody; the last watcher spoke {_ago(watch.spoke, now)}")
        return
    how = "by events" if watch.mode == "events" else f"by a look every {watch.interval or 0:.3g} s"
    say(f"watching: {how}{f' ({watch.why})' if watch.why else ''}, process {watch.process}, {_since(watch, now)}")
    if watch.failure is not None:
        over = "" if watch.failure.until is None else f", over {_ago(watch.failure.until, now)}"
        say(f"last failure: {watch.failure.message} ({_ago(watch.failure.since, now)}{over})")


def _show_kept(run: Run, kept: Sequence[KeptDocument]) -> None:
    run.terminal.result(f"removed, archives kept: {len(kept)}")
    shown = kept if run.terminal.verbose else kept[:10]
    for release in shown:
        run.terminal.result(f"  {release.name}@{release.version} until {release.until}")
    if len(kept) > len(shown):
        run.terminal.result(f"  and {len(kept) - len(shown)} more")


def _show_on_change(run: Run, telling: OnChangeDocument) -> None:
    say, now = run.terminal.result, run.now
    waiting = counted(telling.undelivered, "path") if telling.undelivered else "nothing"
    say(f"on-change: {waiting} left to tell of, last told {_ago(telling.last, now)}")
    if telling.failure:
        say(f"  {telling.failure} ({_ago(telling.failing_since, now)})")
    if telling.incomplete:
        say(f"  the state was made {_ago(telling.since, now)}: what was not told of before then is not known")


def _since(watch: WatchDocument, now: int) -> str:
    if now - watch.spoke > _SILENT:
        return f"which last spoke {_ago(watch.spoke, now)}"
    return f"last look {_ago(watch.last_look, now)}"


def _ago(when: int | None, now: int) -> str:
    if when is None:
        return "never"
    seconds = max(0, now - when)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{counted(seconds // length, unit)} ago"
    return f"{counted(seconds, 'second')} ago"
