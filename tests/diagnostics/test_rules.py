import ast
import re
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.problems import Problem, level_of, problem, refused
from cargo_static_index.diagnostics.rule import Level, Rule
from cargo_static_index.diagnostics.rules import GROUPS, RULES, explain, levels_of
from cargo_static_index.settings import KEYS
from scripts.docs.settings_page import REWRITE, rules_page

REPOSITORY = Path(__file__).parents[2]
GUARDS = [rule for rule in RULES.values() if not (rule.policy or rule.of_tree)]
SOURCES = sorted(Path(str(files("cargo_static_index"))).rglob("*.py"))


@cache
def trees() -> tuple[ast.Module, ...]:
    return tuple(
        ast.parse(path.read_text())
        for path in SOURCES
        if path.name not in {"crate_rules.py", "rules.py", "tree_rules.py"}
    )


def test_the_page_of_rules_is_what_the_table_says() -> None:
    found = (REPOSITORY / "docs/rules.md").read_text()
    assert found == rules_page(), f"docs/rules.md is not what the tables of rules say; write it anew with `{REWRITE}`"


def test_the_page_has_each_rule_once_and_no_other() -> None:
    found = re.findall(r"^### (.+)$", (REPOSITORY / "docs/rules.md").read_text(), re.MULTILINE)
    assert found == [*RULES]


def test_no_rule_stands_in_two_groups() -> None:
    assert len(RULES) == len(list(chain.from_iterable(GROUPS.values())))


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_a_rule_is_written_as_all_are(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id)
    assert re.fullmatch(r"[A-Z`].*\.", rule.says, re.DOTALL)
    assert re.fullmatch(r"[A-Z`].*\.", rule.way_out, re.DOTALL)
    assert bool(rule.example) is not rule.of_tree
    assert not rule.example.endswith(".")


@pytest.mark.parametrize("rule", GUARDS, ids=lambda rule: rule.id)
def test_a_rule_that_protects_clients_refuses_in_a_mirror_too(rule: Rule) -> None:
    assert rule.level == "refuse"
    assert rule.mirror is None


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_a_way_out_names_only_settings_that_exist(rule: Rule) -> None:
    for section, key in re.findall(r"`\[(\w+)\] ([a-z-]+)`", rule.says + rule.way_out):
        assert f"{section}.{key}" in KEYS


def test_every_rule_is_found_by_some_code() -> None:
    texts = {node.value for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert [rule for rule in RULES if rule not in texts] == []


def test_code_names_no_rule_that_does_not_exist() -> None:
    calls = [node for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in {"problem", "found"} and call.args
        if isinstance(call.args[0], ast.Constant)
    }
    assert named
    assert named <= set(RULES)


def test_a_problem_says_what_its_rule_says() -> None:
    assert problem("file-empty") == Problem(
        rule="file-empty",
        message="The file is empty.",
        place="",
        way_out="Copy it again; the copy was probably cut short.",
    )


def test_a_problem_can_say_it_better_than_its_rule() -> None:
    found = problem("file-empty", "Nothing is in it.", place="drop/a.crate", way_out="Fill it.")
    assert found == Problem(rule="file-empty", message="Nothing is in it.", place="drop/a.crate", way_out="Fill it.")


def test_settings_change_the_level_of_a_policy() -> None:
    assert level_of(problem("vcs-dirty"), {}) == "warn"
    assert level_of(problem("vcs-dirty"), {"vcs-dirty": "refuse"}) == "refuse"


def test_settings_cannot_change_the_level_of_a_rule_that_protects_clients() -> None:
    assert level_of(problem("tar-damaged"), {"tar-damaged": "allow"}) == "refuse"


REFUSED: list[tuple[list[str], dict[str, Level], bool]] = [
    ([], {}, False),
    (["vcs-dirty"], {}, False),
    (["vcs-dirty", "file-empty"], {}, True),
    (["vcs-dirty"], {"vcs-dirty": "refuse"}, True),
    (["reserved-name"], {"reserved-name": "warn"}, False),
]


@pytest.mark.parametrize(("rules", "levels", "expected"), REFUSED)
def test_one_problem_that_refuses_is_enough(rules: list[str], levels: dict[str, Level], expected: bool) -> None:
    assert refused(map(problem, rules), levels) is expected


def test_a_mirror_has_other_levels_for_these_rules_and_settings_go_above_them() -> None:
    assert levels_of({}, mirror=False) == {}
    assert levels_of({}, mirror=True) == {
        "reserved-name": "allow",
        "publish-excludes-us": "allow",
        "description-too-long": "allow",
        "license-invalid": "allow",
        "url-invalid": "allow",
        "keyword-invalid": "allow",
        "too-many-categories": "allow",
        "category-unknown": "allow",
        "patch-ignored": "allow",
        "dependency-likely-ours": "allow",
        "dev-dependency-likely-ours": "allow",
        "dependency-without-version": "warn",
        "path-overwritten": "warn",
    }
    assert levels_of({"path-overwritten": "refuse"}, mirror=True)["path-overwritten"] == "refuse"


def test_a_rule_explains_itself() -> None:
    assert explain(RULES["reserved-name"]) == (
        "### reserved-name\n"
        "\n"
        "The name is reserved: it belongs to Rust itself, or Windows cannot have such a file.\n"
        "\n"
        "- Level: refuse (policy: `[rules]` may change the level; off in a mirror).\n"
        '- Way out: Choose another name, or set the rule to "warn" in `[rules]`.\n'
        "- Example: `std`, `nul`.\n"
    )
