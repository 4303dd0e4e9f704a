"""The command that says how a registry is: status. It changes nothing, and needs no right to."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from cargo_static_index.catalogue import Catalogue, may_write, open_catalogue
from cargo_static_index.cli.command import OF_A_TREE, JsonLines, command, sections
from cargo_static_index.cli.documents import ProblemDocument, RefusedDocument, StatusDocument
from cargo_static_index.cli.formats import print_json
from cargo_static_index.cli.places import need_drop
from cargo_static_index.cli.running import FOUND_WRONG, GOOD, Run
from cargo_static_index.cli.telling import from_here
from cargo_static_index.cli.terminal import counted
from cargo_static_index.errors import SettingsError
from cargo_static_index.knowledge import learn_all
from cargo_static_index.protocol.config import base_url_of
from cargo_static_index.record import format_document
from cargo_static_index.registry import LAST_BUILD, copied_state, drop_of, store_of
from cargo_static_index.rules import level_of
from cargo_static_index.scan import scan_drop
from cargo_static_index.session import KNOWN_TREE
from cargo_static_index.settings import Settings
from cargo_static_index.tree import read_config, read_record

EXAMPLES = {"status": ("status", "status --max-age 10m")}

MaxAge = Annotated[
    str | None, typer.Option(metavar="AGE", help="Exit with 1 where the last pass is older: 90s, 10m, 2h, 7d.")
]


_AHEAD = 60
"""Seconds by which clocks may differ; a build that ended later than that tells nothing of its age."""


class _Pass(Struct, frozen=True, kw_only=True):
    """What the catalogue knows of the drop directory."""

    last_build: int | None = None
    waiting: tuple[str, ...] = ()
    refused: tuple[RefusedDocument, ...] = ()


@command((*OF_A_TREE, *sections("drop", "rules")))
def status_command(run: Run, *, max_age: MaxAge = None, as_json: JsonLines = False) -> int:
    """Say when the last pass was, what waits in the drop directory, and what is refused and why.

    Nothing is changed. With --max-age the exit code is 1 where the last `build` ended longer ago, or there was none.
    """
    settings = run.settings
    need_drop(run)
    oldest = None if max_age is None else run.now - parse_age(max_age)
    store = store_of(settings)
    config, record = read_config(store), read_record(store).record
    known = _known(settings)
    document = StatusDocument(
        base_url=base_url_of(config) if config else None,
        crates=record.crates,
        releases=record.releases,
        last_build=known.last_build,
        stale=oldest is not None and (known.last_build is None or not oldest <= known.last_build <= run.now + _AHEAD),
        waiting=known.waiting,
        refused=known.refused,
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


def _known(settings: Settings) -> _Pass:
    """Ask the catalogue; where there is none, there was no pass that it could know of.

    One that does not know the tree as it is learns it first, in a copy: the next build does it for good.
    """
    with ExitStack() as stack:
        state = settings.state.path
        if not (may_write(state) and _knows_tree(state, settings)):
            state = copied_state(state, stack)
        catalogue = stack.enter_context(open_catalogue(state))
        last = catalogue.get(LAST_BUILD)
        return _Pass(
            last_build=int(last) if last else None,
            waiting=tuple(_waiting(settings, catalogue)),
            refused=tuple(_refused(settings, catalogue)),
        )


def _knows_tree(state: Path, settings: Settings) -> bool:
    with open_catalogue(state) as catalogue:
        return _is_known(catalogue, settings)


def _is_known(catalogue: Catalogue, settings: Settings) -> bool:
    return catalogue.get(KNOWN_TREE) == format_document(read_record(store_of(settings)).record)


def _waiting(settings: Settings, catalogue: Catalogue) -> list[str]:
    """Give the files of the drop directory that are new or changed, or that the tree holds no more.

    One that was judged while it was young has no fingerprint, and is judged again; that is no news to wait for.
    """
    drop = drop_of(settings)
    found: list[str] = []
    with catalogue.taken_back():
        if not _is_known(catalogue, settings):
            learn_all(catalogue, store_of(settings))  # changed elsewhere, or an earlier tree that was restored
            catalogue.drops.reopen_unpublished()
        for each in scan_drop(drop.path, catalogue, time.time_ns(), drop.ours):
            row = catalogue.drops.get(each.folder, each.file)
            if row is None or row.outcome == "waiting" or row.fingerprint:
                found.append(from_here(drop.shown(each.path)))
    return found


def _refused(settings: Settings, catalogue: Catalogue) -> Iterator[RefusedDocument]:
    drop = drop_of(settings)
    for row in catalogue.drops.refused():
        problems = (
            ProblemDocument(rule=each.rule, level="error", message=each.message, place=each.place, way_out=each.way_out)
            for each in row.problems
            if level_of(each, settings.rules) == "refuse"
        )
        yield RefusedDocument(
            path=from_here(drop.shown(row.path)),
            name=row.name,
            version=row.vers,
            since=row.first_seen,
            problems=tuple(problems),
        )


def _show_status(run: Run, status: StatusDocument) -> None:
    say = run.terminal.result
    counts = f"{counted(status.crates, 'crate')}, {counted(status.releases, 'release')}"
    say(f"registry: {status.base_url or 'none yet'}, {counts}")
    say(f"last build: {_ago(status.last_build, run.now)}{' (stale)' if status.stale else ''}")
    say(f"waiting: {len(status.waiting)}")
    for path in status.waiting[: None if run.terminal.verbose else 10]:
        say(f"  {path}")
    if len(status.waiting) > 10 and not run.terminal.verbose:
        say(f"  and {len(status.waiting) - 10} more")
    say(f"refused: {len(status.refused)}")
    for each in status.refused:
        for problem in each.problems:
            place = f"{each.path}: {problem.place}" if problem.place else each.path
            run.terminal.problem("error", problem.rule, problem.message, place, problem.way_out)


def _ago(when: int | None, now: int) -> str:
    if when is None:
        return "never"
    seconds = max(0, now - when)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{counted(seconds // length, unit)} ago"
    return f"{counted(seconds, 'second')} ago"
