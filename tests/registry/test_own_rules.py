"""Rules of one's own: a file that the settings name, or a function that is handed in."""

import io
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from cargo_static_index.crate.check import check_crate
from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.crate.policy import OwnRules, Policy
from cargo_static_index.diagnostics.errors import InvalidInput, SettingsError
from cargo_static_index.diagnostics.problems import TOLD, Problem
from cargo_static_index.diagnostics.rule import Level, Rule
from cargo_static_index.protocol.registries import Home
from cargo_static_index.registry.events import Report
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.own_rules import load_own_rules
from cargo_static_index.registry.registry import open_registry
from tests.cli.program import run
from tests.cli.watching import watching
from tests.crates import crate
from tests.server.serving import Served, until
from tests.world import T0, World

RULES = """
from cargo_static_index import Problem, Rule

RULES = (
    Rule(id="acme/no-copyleft", level="refuse", says="The licence is not for Acme.", way_out="Ask the lawyers."),
    Rule(id="acme/no-build-script", level="warn", says="There is a build script.", way_out="Do without."),
)


def check(metadata):
    if "GPL" in (metadata.manifest.license or ""):
        yield Problem(rule="acme/no-copyleft", message=f"The licence is {metadata.manifest.license}.")
    if any(file.path == "build.rs" for file in metadata.files):
        yield Problem(rule="acme/no-build-script", message="")
"""
NONE = "from cargo_static_index import Rule\nRULES = ()\ndef check(metadata):\n    return ()\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, {"registry.own-rules": "acme_rules.py", "registry.pages": False})
    (tmp_path / "acme_rules.py").write_text(RULES)
    return world


def said(report: Report) -> dict[str, list[str]]:
    return {outcome.name: [each.rule for each in outcome.problems] for outcome in report.outcomes}


def test_they_refuse_and_warn_as_any_rule_does(world: World) -> None:
    world.put(crate("foo").package(license="GPL-3.0"), crate("bar").file("build.rs"), crate("baz"))
    report = world.build()
    assert said(report) == {"foo": ["acme/no-copyleft"], "bar": ["acme/no-build-script"], "baz": []}
    assert (report.counts["refused"], report.counts["published"]) == (1, 2)
    (problem,) = report.of("refused")[0].problems
    assert (problem.message, problem.way_out) == ("The licence is GPL-3.0.", "Ask the lawyers.")


def test_report_page_status_and_explain_tell_of_them(world: World) -> None:
    world.put(crate("foo").package(license="GPL-3.0"))
    (world.folder / "registry.toml").write_text('[registry]\nown-rules = "acme_rules.py"\n')
    built = run("build", "--output-format", "sarif", cwd=world.folder)
    (described,) = built.document()["runs"][0]["tool"]["driver"]["rules"]
    assert described["shortDescription"]["text"] == "The licence is not for Acme."
    assert "error[acme/no-copyleft]: The licence is GPL-3.0." in run("status", cwd=world.folder).ok()
    page = (world.tree / "refused.html").read_text()
    assert "acme/no-copyleft</code> The licence is not for Acme." in page
    assert "GPL" not in page
    assert "Way out: Ask the lawyers." in run("explain", "acme/no-copyleft", cwd=world.folder).ok()
    assert "\nacme/no-build-script: There is a build script.\n" in run("explain", cwd=world.folder).ok()
    assert "refuse" in run("check", "drop", "--json", cwd=world.folder).out


def test_the_settings_change_their_levels(world: World) -> None:
    world.put(crate("foo").package(license="GPL-3.0"), crate("bar").file("build.rs"))
    report = world.build(options={"rules": ["acme/no-copyleft=allow", "acme/no-build-script=refuse"]})
    assert [outcome.name for outcome in report.of("refused")] == ["bar"]


def test_a_level_of_a_rule_that_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(SettingsError, match="no rule `acme/no-copyright`; there are acme/no-build-script, acme/no-"):
        world.build(options={"rules": ["acme/no-copyright=allow"]})
    with pytest.raises(SettingsError, match=r"no rule `acme/x`; `\[registry\] own-rules` names no file that has it"):
        world.build(options={"rules": ["acme/x=allow"], "registry.own-rules": None})


def test_where_they_change_refused_files_are_judged_anew(world: World) -> None:
    world.put(crate("foo").package(license="GPL-3.0"))
    assert world.build().counts["refused"] == 1
    (world.folder / "acme_rules.py").write_text(NONE)
    assert world.build().counts["published"] == 1


def test_a_rule_that_fails_keeps_its_crate_out_and_no_other(world: World) -> None:
    (world.folder / "acme_rules.py").write_text(
        f"{NONE}    \n\ndef check(metadata):\n    return [] if metadata.manifest.name == 'bar' else {{}}['x']\n"
    )
    world.put(crate("foo"), crate("bar"))
    report = world.build()
    assert said(report) == {"foo": ["own-rules-failed"], "bar": []}
    (problem,) = report.of("refused")[0].problems
    file = world.folder / "acme_rules.py"
    assert problem.message == f"The registry's own rules could not be asked: KeyError: 'x' ({file}, line 8)."


@pytest.mark.parametrize(
    ("gives", "sentence"),
    [
        ("['no']", "`check` gave 'no', which is no `Problem`"),
        ("[Problem(rule='vcs-dirty', message='x')]", "of the rule 'vcs-dirty', which `RULES` does not have"),
        ("exit(1)", "SystemExit: 1"),
    ],
)
def test_what_is_no_problem_of_their_rules_keeps_the_crate_out(world: World, gives: str, sentence: str) -> None:
    (world.folder / "acme_rules.py").write_text(f"{RULES}\n\ndef check(metadata):\n    return {gives}\n")
    world.put(crate("foo"))
    (outcome,) = world.build().of("refused")
    assert sentence in outcome.problems[0].message


def test_other_processes_ask_them_too(world: World) -> None:
    world.put(crate("foo").package(license="GPL-3.0"), crate("bar"))
    report = Report()
    # They are told of the rules by their text, and need not have been forked from a process that knows them.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, world.opened(report) as registry:
        registry.build(executor=pool)
    assert said(report) == {"foo": ["acme/no-copyleft"], "bar": []}


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        ("def check(:\n", "cannot be run: SyntaxError: invalid syntax"),
        ("RULES = ()\n", "cannot be run: AttributeError: module"),
        ("import sys\nsys.exit(3)\n", "cannot be run: SystemExit: 3"),
        ("RULES = ()\ncheck = 1\n", "`check` must be a function that takes the metadata of a crate"),
        ("RULES = ('x',)\ndef check(it): ...\n", "`rules` must be a tuple of `Rule`"),
        (RULES.replace("acme/no-copyleft", "no-copyleft"), "is written like `acme/no-copyleft`, and 'no-copyleft' is"),
        (RULES.replace("no-build-script", "no-copyleft"), "there are two rules 'acme/no-copyleft'"),
        (RULES.replace('"warn"', '"error"'), "the level of 'acme/no-build-script' must be"),
    ],
)
def test_a_file_that_has_no_rules_is_an_error_of_the_settings(world: World, source: str | None, sentence: str) -> None:
    file = world.folder / "acme_rules.py"
    file.unlink() if source is None else file.write_text(source)
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        world.build()


def test_check_settings_reads_them(world: World) -> None:
    world.build()
    (world.folder / "acme_rules.py").unlink()
    run("check-settings", "--own-rules", "acme_rules.py", cwd=world.folder).failed(
        2, "registry.own-rules:", "acme_rules.py' cannot be read: No such file or directory"
    )


def test_nothing_is_loaded_where_nothing_is_named(world: World) -> None:
    (world.folder / "acme_rules.py").write_text("raise SystemExit(3)")
    assert world.build(options={"registry.own-rules": None}).outcomes == []


COPYLEFT = Rule(
    id="acme/no-copyleft", level="refuse", says="The licence is not for Acme.", way_out="Ask.", mirror="warn"
)


def ask(metadata: CrateMetadata) -> Iterator[Problem]:
    if "GPL" in (metadata.manifest.license or ""):
        yield Problem(rule="acme/no-copyleft", message="")


@pytest.mark.parametrize(("home", "level"), [(Home(), "refuse"), (Home(mode="mirror"), "warn")])
def test_a_function_can_be_handed_in(home: Home, level: Level) -> None:
    policy = Policy(home=home, own_rules=OwnRules(rules=(COPYLEFT,), check=ask))
    checked = check_crate(io.BytesIO(crate("foo").package(license="GPL-3.0").build()), policy)
    assert [each.message for each in checked.problems] == ["The licence is not for Acme."]
    assert checked.refused == (level == "refuse")


def test_those_that_are_handed_in_take_the_place_of_those_of_the_settings(world: World) -> None:
    (path,) = world.put(crate("foo").package(license="GPL-3.0").file("build.rs"))
    report = Report()
    options = Options(now=T0, own_rules=OwnRules(rules=(COPYLEFT,), check=ask))
    with open_registry(world.settings(), report, options) as registry:
        registry.add([path])
    assert said(report) == {"foo": ["acme/no-copyleft"]}


@pytest.mark.parametrize("how", ["lambda", "inside"])
def test_a_function_that_no_other_process_can_import_is_refused_with_the_way_out(how: str) -> None:
    def inside(metadata: CrateMetadata) -> Iterator[Problem]:
        return ask(metadata)

    own = OwnRules(rules=(COPYLEFT,), check=inside if how == "inside" else lambda _: ())
    with pytest.raises(InvalidInput, match=r"cannot import `check`, .*; define it with `def` at the top of a module"):
        Options(now=T0, own_rules=own)


def test_a_watcher_keeps_to_them_and_judges_anew_when_they_change(world: World) -> None:
    (world.folder / "registry.toml").write_text('[registry]\nown-rules = "acme_rules.py"\n')
    world.put(crate("foo").package(license="GPL-3.0"))
    with watching(cwd=world.folder) as watcher:
        watcher.until("Refused foo 1.0.0 (acme/no-copyleft: The licence is GPL-3.0.)\n")
        crate("bar").file("build.rs").write(world.drop)
        watcher.until("Published bar 1.0.0 (acme/no-build-script: There is a build script.)\n")
        assert watcher.stop() == 0
    assert "acme/no-copyleft</code> The licence is not for Acme." in (world.tree / "refused.html").read_text()
    (world.folder / "acme_rules.py").write_text(NONE)
    with watching(cwd=world.folder) as watcher:
        watcher.until("Published foo 1.0.0\n")
        until(lambda: "acme/no-copyleft" not in (world.tree / "refused.html").read_text())
        assert watcher.stop() == 0


@pytest.mark.cargo
def test_cargo_publish_is_told_of_them(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served/acme_rules.py").write_text(RULES)
    served = Served(tmp_path / "served", 'own-rules = "acme_rules.py"\n')
    cargo = served.cargo(tmp_path / "cargo", served.token())
    bad = cargo.project("", name="foo", package='license = "GPL-3.0"\ndescription = "d"')
    good = cargo.project("", name="bar", package='license = "MIT"\ndescription = "d"')
    (good.folder / "build.rs").write_text("fn main() {}\n")
    with served.running("--publish"):
        publish = ("publish", "--registry", "acme", "--no-verify")
        bad.run(*publish).failed("400 Bad Request", "[acme/no-copyleft]", "The licence is GPL-3.0.", "Ask the lawyers.")
        assert "[acme/no-build-script] There is a build script." in good.run(*publish).ok().stderr
        until((served.tree / "crates/bar/index.html").exists)
    assert not (served.tree / "index/3/f/foo").exists()
    assert "acme/no-copyleft" in "".join(path.read_text() for path in served.private.rglob("*.jsonl"))


def test_of_a_rule_that_is_broken_often_ten_are_told() -> None:
    own = OwnRules(rules=(COPYLEFT,), check=lambda _: [Problem(rule="acme/no-copyleft", message="x")] * 30)
    checked = check_crate(io.BytesIO(crate("foo").build()), Policy(own_rules=own))
    assert len(checked.problems) == TOLD + 1
    assert checked.problems[-1].message == "And 20 more of the same kind."


def test_what_is_no_rule_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is written like `acme/no-copyleft`"):
        OwnRules(rules=(Rule(id="vcs-dirty", level="warn", says="", way_out=""),), check=ask)


def test_a_file_of_rules_that_is_not_utf_8_is_named_with_the_byte(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_bytes(b"# caf\xe9\n")
    with pytest.raises(SettingsError) as caught:
        load_own_rules(tmp_path / "rules.py")
    assert str(caught.value) == f"registry.own-rules: '{tmp_path}/rules.py' is not UTF-8 at byte 5"
    with pytest.raises(SettingsError, match=r"nothing\.py' cannot be read: No such file or directory"):
        load_own_rules(tmp_path / "nothing.py")
