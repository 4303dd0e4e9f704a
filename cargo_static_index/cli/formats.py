"""Problems in the formats that machines and code hosts read: JSON, GitHub, GitLab, SARIF."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from cargo_static_index._version import __version__
from cargo_static_index.cli.options import Format
from cargo_static_index.diagnostics.escape import escape, in_json
from cargo_static_index.diagnostics.rule import Rule
from cargo_static_index.diagnostics.rules import RULES

if TYPE_CHECKING:  # whoever has one has loaded it
    from cargo_static_index.cli.file_document import ProblemDocument

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class Mark(Struct, frozen=True, kw_only=True):
    """One thing to show beside a file."""

    path: str
    rule: str
    level: Literal["error", "warning"]
    message: str


def mark_of(path: str, problem: "ProblemDocument") -> Mark:
    """Give the mark for a problem of a file: its place, sentence and way out in one text."""
    place = f"{problem.place}: " if problem.place not in {"", path} else ""
    way_out = f" {problem.way_out}" if problem.way_out else ""
    return Mark(path=path, rule=problem.rule, level=problem.level, message=f"{place}{problem.message}{way_out}")


def print_json(document: Struct) -> None:
    """Print one document on one line."""
    print_json_line(msgspec.json.encode(document))


def print_json_line(line: bytes) -> None:
    """Print a line of JSON that is encoded already."""
    sys.stdout.write(escape(line.decode(), write=in_json) + "\n")


def print_marks(output: Format, marks: Sequence[Mark], rules: Mapping[str, Rule] = RULES) -> None:
    """Print marks in the format of a code host, with what is known of their rules where it asks for that."""
    if output == "github":
        sys.stdout.writelines(map(github_line, marks))
        return
    document = gitlab_document(marks) if output == "gitlab" else sarif_document(marks, rules)
    for line in msgspec.json.format(msgspec.json.encode(document), indent=2).split(b"\n"):
        print_json_line(line)


def github_line(mark: Mark) -> str:
    """Give a workflow command (GitHub's docs: "Workflow commands for GitHub Actions")."""
    properties = {"file": mark.path, "title": mark.rule}
    written = ",".join(f"{key}={_github_property(value)}" for key, value in properties.items())
    return f"::{mark.level} {written}::{_github_data(mark.message)}\n"


def _github_data(text: str) -> str:
    return escape(text).replace("%", "%25")


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


def gitlab_document(marks: Iterable[Mark]) -> list[dict[str, object]]:
    """Give a Code Quality report (GitLab's docs: "Code Quality", section "Code Quality report format")."""
    return [
        {
            "description": mark.message,
            "check_name": mark.rule,
            "fingerprint": sha256("\0".join((mark.path, mark.rule, mark.message)).encode(errors="replace")).hexdigest(),
            "severity": "major" if mark.level == "error" else "minor",
            "location": {"path": mark.path, "lines": {"begin": 1}},
        }
        for mark in marks
    ]


def sarif_document(marks: Sequence[Mark], rules: Mapping[str, Rule] = RULES) -> dict[str, object]:
    """Give a SARIF 2.1.0 log with one run (OASIS: "Static Analysis Results Interchange Format")."""
    broken = sorted({mark.rule for mark in marks})
    driver = {
        "name": "cargo-static-index",
        "version": __version__,
        "rules": [_sarif_rule(rules[rule]) if rule in rules else {"id": rule} for rule in broken],
    }
    results = [_sarif_result(mark, broken.index(mark.rule)) for mark in marks]
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _sarif_rule(rule: Rule) -> dict[str, object]:
    return {"id": rule.id, "shortDescription": {"text": rule.says}, "help": {"text": rule.way_out}}


def _sarif_result(mark: Mark, index: int) -> dict[str, object]:
    from urllib.parse import quote

    uri = quote(mark.path, errors="replace") if not mark.path.startswith("/") else f"file://{quote(mark.path)}"
    return {
        "ruleId": mark.rule,
        "ruleIndex": index,
        "level": mark.level,
        "message": {"text": mark.message},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}}}],
    }
