"""What became of the files of a build, as tests ask for it."""

import json

from cargo_static_index.crate.candidate import FileStatus, Outcome
from cargo_static_index.registry.events import Report
from tests.world import World


def status(report: Report) -> dict[str, FileStatus]:
    return {f"{each.name} {each.vers}": each.status for each in report.outcomes}


def rules(outcome: Outcome) -> list[str]:
    return [each.rule for each in outcome.problems]


def only(report: Report, kind: FileStatus = "refused") -> Outcome:
    (outcome,) = report.of(kind)
    return outcome


def told(report: Report) -> dict[str, list[str]]:
    """What was refused, and by which rules."""
    return {f"{each.name} {each.vers}": rules(each) for each in report.of("refused")}


def removed(world: World, name: str = "foo") -> object:
    return json.loads(world.read(f"crates/{name}/removed.json"))
