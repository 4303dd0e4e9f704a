"""What is printed: colours, formats, pages, progress, and nothing that a crate could paint on a terminal."""

import importlib
import io
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cargo_static_index.cli.file_document import ProblemDocument
from cargo_static_index.cli.formats import Mark, github_line, gitlab_document, mark_of, sarif_document
from cargo_static_index.cli.terminal import Color, is_colored
from cargo_static_index.registry.publish import CRATES_AT_ONCE
from scripts.docs.commands_page import DOCUMENTS, REWRITE, pages
from tests.cli.program import environment, run, run_on_terminal
from tests.cli.shapes import GITHUB, GITLAB, SARIF
from tests.crates import crate
from tests.documents import PRINTED_BY

# It has no types of its own, and the checker asks for them where it is imported by name.
jsonschema: Any = importlib.import_module("jsonschema")

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("path", sorted(pages()))
def test_what_is_made_from_the_command_line_is_current(path: str) -> None:
    assert (REPOSITORY / path).read_text(encoding="utf-8") == pages()[path], f"write it anew: {REWRITE}"


# JSON

OURS = "sparse+https://crates.example.com/index/"

TOLD: list[tuple[int, list[str]]] = [
    (0, ["build", "--json"]),
    (0, ["build", "-n", "--output-format", "json"]),
    (1, ["build", "--json", "--manifest-required-fields", "documentation"]),
    (2, ["build", "--json", "--drop", "nowhere"]),
    (3, ["build", "--json", "--state", "bad.crate"]),
    (0, ["add", "--json", "drop/foo-1.0.0.crate"]),
    (1, ["add", "--json", "drop/foo-1.0.0.crate", "bad.crate"]),
    (2, ["add", "--json", "nowhere.crate"]),
    (3, ["add", "--json", "--state", "bad.crate", "drop/foo-1.0.0.crate"]),
    (0, ["check", "--json", "drop/foo-1.0.0.crate"]),
    (1, ["check", "--json", "drop/foo-1.0.0.crate", "bad.crate"]),
    (2, ["check", "--json", "none.crate"]),
    (0, ["list", "--json"]),
    (2, ["list", "--json", "nobody"]),
    (0, ["info", "--json", "foo"]),
    (0, ["info", "--json", "bar"]),
    (2, ["info", "--json", "foo@2.0.0"]),
    (0, ["search", "--json", "foo"]),
    (1, ["search", "--json", "nobody"]),
    (2, ["search", "--json", "foo", "--tree", "nowhere"]),
    (1, ["verify", "--json"]),
    (0, ["missing", "--json"]),
    (2, ["missing", "--json", "--tree", "nowhere"]),
    (0, ["verify", "--json", "--fix"]),
    (2, ["verify", "--json", "--tree", "nowhere"]),
    (3, ["verify", "--json", "--fix", "--state", "bad.crate"]),
    (0, ["status", "--json"]),
    (1, ["status", "--json", "--max-age", "1d", "--state", "elsewhere"]),
    (2, ["status", "--json", "--drop", "nowhere"]),
    (0, ["token", "list", "--json"]),
    (2, ["token", "list", "--json", "--private", "bad.crate"]),
    (0, ["audit", "--json"]),
    (0, ["reindex", "--json", "-n", "--mode", "mirror"]),
    (2, ["reindex", "--json", "--mode", "mirror"]),
    (3, ["reindex", "--json", "--yes", "--mode", "mirror", "--state", "bad.crate"]),
]
"""Commands that are asked for JSON, and the exit code with which each ends."""


def test_every_schema_is_used() -> None:
    in_tests_of_clients = {"push", "doctor", "event", "advisory"}
    tried = {PRINTED_BY[arguments[0]] for _, arguments in TOLD}
    assert tried | in_tests_of_clients == set(DOCUMENTS)


@pytest.mark.parametrize(("code", "arguments"), TOLD)
def test_json_documents_keep_to_their_schema_in_every_exit_code(built: Path, code: int, arguments: list[str]) -> None:
    (built / "bad.crate").write_bytes(b"bad")
    (built / "private/audit").mkdir(parents=True)
    (built / "private/tokens.toml").write_text('[[token]]\nid = "1"\nuser = "alice"\nhash = ""\n')
    noted = '{"time":"2026-01-01T00:00:00Z","user":"alice","action":"yank","client":"::1"}\n'
    (built / "private/audit/2026-01.jsonl").write_text(noted)
    next((built / "public/crates/bar").glob(f"{'?' * 64}.json")).unlink()
    crate("needy", "1.0.0").dependency("foo", "1", registry_index=OURS).write(built / "drop")
    if arguments[0] == "reindex":
        run("add", "drop/needy-1.0.0.crate", cwd=built).ok()
    if arguments[0] == "missing":
        wanting = crate("wanting", "1.0.0").dependency("foo", "9", registry_index=OURS).write(built / "drop")
        run("add", str(wanting), cwd=built).ok()
    ended = run(*arguments, cwd=built)  # which holds all that is printed to its schema
    assert ended.code == code, ended
    says = code in {0, 1} or arguments[0] == "reindex"  # which shows the difference before it asks
    assert bool(ended.out) == (says and "nobody" not in arguments)


def test_a_pass_is_told_in_the_same_bytes_by_every_process(fresh: Path) -> None:
    needy = crate("needy", "1.0.0")
    for name in "abcdefgh":
        crate(name, "1.0.0").write(fresh / "drop")
        needy = needy.dependency(name).feature(f"{name}-", ["nothing"])
    needy.package(edition="1999", rust_version="x").write(fresh / "drop")
    crate("other", "1.0.0").dependency("a").dependency("h").dependency("c", kind="dev").write(fresh / "drop")
    seeds = [run("build", "-n", "--json", cwd=fresh, env={"PYTHONHASHSEED": seed}) for seed in ("1", "2")]
    assert seeds[0].code == seeds[1].code == 1
    assert seeds[0].out == seeds[1].out


def test_a_pass_is_told_in_json(fresh: Path) -> None:
    (fresh / "bad.crate").write_bytes(b"")
    ended = run("add", "--json", "drop/foo-1.0.0.crate", "bad.crate", cwd=fresh)
    assert ended.code == 1
    document = ended.document()
    bad, good = document["files"]
    assert (good["name"], good["version"], good["became"], good["problems"]) == ("foo", "1.0.0", "published", [])
    assert bad["problems"] == [
        {
            "rule": "file-empty",
            "level": "error",
            "message": "The file is empty.",
            "place": "",
            "way_out": "Copy it again; the copy was probably cut short.",
        }
    ]
    assert "index/3/f/foo" in document["changed"]
    assert document["counts"]["refused"] == 1


def test_changed_paths_can_be_copied_in_their_order(fresh: Path) -> None:
    for number in range(CRATES_AT_ONCE + 1):
        crate(f"many-{number}", "1.0.0").write(fresh / "drop")
    changed = run("build", "--json", "--no-pages", cwd=fresh).document()["changed"]
    assert len(changed) == len(set(changed))
    assert changed[-1] == "tree.json", "two batches wrote it, of which the second counts"
    assert changed.index("index/ma/ny/many-0") > next(at for at, path in enumerate(changed) if "/many-0/" in path)


# code hosts

MARK = Mark(path="drop/a,b.crate", rule="file-empty", level="error", message="100% empty:\nreally")


def test_github_reads_one_command_a_problem_whatever_a_name_holds() -> None:
    assert github_line(MARK) == "::error file=drop/a%2Cb.crate,title=file-empty::100%25 empty:\\nreally\n"


def test_gitlab_reads_a_code_quality_report() -> None:
    (found,) = gitlab_document([MARK])
    assert len(str(found.pop("fingerprint"))) == 64
    assert found == {
        "description": "100% empty:\nreally",
        "check_name": "file-empty",
        "severity": "major",
        "location": {"path": "drop/a,b.crate", "lines": {"begin": 1}},
    }


def test_sarif_names_each_rule_once() -> None:
    log: Any = sarif_document([MARK, MARK])
    (made,) = log["runs"]
    assert [rule["id"] for rule in made["tool"]["driver"]["rules"]] == ["file-empty"]
    assert made["tool"]["driver"]["rules"][0]["shortDescription"] == {"text": "The file is empty."}
    assert made["results"][1] == {
        "ruleId": "file-empty",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "100% empty:\nreally"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "drop/a%2Cb.crate"}}}],
    }


def test_a_mark_says_place_sentence_and_way_out() -> None:
    found = ProblemDocument(rule="r", level="warning", message="It is so.", place="Cargo.toml", way_out="Do so.")
    assert mark_of("x.crate", found).message == "Cargo.toml: It is so. Do so."


@pytest.mark.parametrize("output", ["github", "gitlab", "sarif"])
@pytest.mark.parametrize(
    "command", [["build"], ["check", "drop/foo-1.0.0.crate", "a,b:50%.crate"], ["verify"], ["add", "a,b:50%.crate"]]
)
def test_code_hosts_get_nothing_but_their_format(fresh: Path, output: str, command: list[str]) -> None:
    (fresh / "a,b:50%.crate").write_bytes(b"")
    if command == ["verify"]:
        run("build", cwd=fresh).ok()
        next((fresh / "public/crates/foo").glob("*.crate")).unlink()
    ended = run(*command, "--output-format", output, cwd=fresh)
    expected = {"build": "", "verify": "archive-missing"}.get(command[0], "file-empty")
    assert ended.code == bool(expected)
    if output == "github":
        assert all(re.fullmatch(GITHUB, line) for line in ended.out.splitlines())
        found = re.findall(r"title=([a-z-]+)", ended.out)
    elif output == "gitlab":
        validate(GITLAB, ended.document())
        found = [each["check_name"] for each in ended.document()]
    else:
        validate(SARIF, ended.document())
        found = [each["ruleId"] for each in ended.document()["runs"][0]["results"]]
        rules = ended.document()["runs"][0]["tool"]["driver"]["rules"]
        assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in ended.document()["runs"][0]["results"])
    assert found == [expected] * bool(expected)


def validate(schema: dict[str, Any], document: object) -> None:
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)


# colours


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


COLORS: list[tuple[Color, dict[str, str], bool, bool]] = [
    ("auto", {}, True, True),
    ("auto", {}, False, False),
    ("always", {"NO_COLOR": "1", "CARGO_TERM_COLOR": "never"}, False, True),
    ("never", {"CLICOLOR_FORCE": "1", "CARGO_TERM_COLOR": "always"}, True, False),
    ("auto", {"NO_COLOR": "1"}, True, False),
    ("auto", {"NO_COLOR": ""}, True, True),
    ("auto", {"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, True, False),
    ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
    ("auto", {"CLICOLOR_FORCE": "0"}, False, False),
    ("auto", {"CLICOLOR": "0"}, True, False),
    ("auto", {"CARGO_TERM_COLOR": "always"}, False, True),
    ("auto", {"CARGO_TERM_COLOR": "never"}, True, False),
    ("auto", {"CARGO_TERM_COLOR": "auto"}, True, True),
    ("auto", {"CARGO_TERM_COLOR": "always", "NO_COLOR": "1"}, False, True),
    ("auto", {"TERM": "dumb"}, True, False),
]


@pytest.mark.parametrize(("color", "variables", "terminal", "colored"), COLORS)
def test_colours_follow_cargo_s_order(color: Color, variables: dict[str, str], terminal: bool, colored: bool) -> None:
    assert is_colored(color, variables, Screen() if terminal else io.StringIO()) is colored


def test_a_pipe_gets_no_colours_unless_they_are_asked_for(fresh: Path) -> None:
    assert "\x1b" not in run("build", "-n", cwd=fresh).ok()
    assert "\x1b[1;32mWould publish\x1b[0m foo 1.0.0" in run("build", "-n", "--color", "always", cwd=fresh).ok()


def test_nothing_from_a_crate_reaches_the_terminal_raw(tmp_path: Path) -> None:
    crate("foo", "1.0.0").package(description="\x1b[2J\x07 gone").write(tmp_path / "drop")
    run("build", cwd=tmp_path).ok()
    assert "\\x1b[2J\\x07 gone" in run("info", "foo", cwd=tmp_path).ok()


# progress


LONG = 1.5
"""Seconds that a pass must take for its progress to be worth a look; it is shown after half a second."""


def drop_until_it_takes_long(folder: Path) -> None:
    for first in range(0, 10_000, 100):
        for each in range(first, first + 100):
            crate(f"c{each}", "1.0.0").file("data", bytes(3_000_000)).write(folder / "drop")
        began = time.monotonic()
        run("build", "-n", "-j", "1", "--no-pages", cwd=folder).ok()
        if time.monotonic() - began > LONG:
            return


def test_progress_shows_on_a_terminal_and_goes_away(tmp_path: Path) -> None:
    drop_until_it_takes_long(tmp_path)
    code, screen = run_on_terminal("build", "-j", "1", cwd=tmp_path)
    assert code == 0
    assert " files read, " in screen
    assert " files written, " in screen
    assert "/s," in screen
    assert " files " not in screen.rpartition("Finished")[2]
    code, screen = run_on_terminal("rebuild", "--pages", "--no-progress", cwd=tmp_path)
    assert code == 0
    assert " files " not in screen


# start


def test_the_start_loads_nothing_that_it_does_not_use() -> None:
    code = (
        "import sys\n"
        "from cargo_static_index.cli.app import run_program\n"
        "run_program(sys.argv[1:])\n"
        "heavy = {'sqlite3', 'jinja2', 'rich', 'pydantic', 'rtoml', 'zlib_ng', 'concurrent.futures', 'hashlib'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    for arguments in (["--version"], ["--help"], ["build", "--nope"], ["--nope"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], env=environment(), capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]", arguments
