"""The rules of trusted publishing: what they take, and what they match."""

from typing import Any

import pytest

from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.settings.trusted import TRUSTED, TrustedRule, matches, read_rules

GITHUB = "https://token.actions.githubusercontent.com"
WHOLE = {"issuer": GITHUB, "repository": "acme/crates", "crates": ["acme-*"]}


def rule(**changed: Any) -> TrustedRule:
    """Read a rule, with some keys changed."""
    return read_rules([{key: value for key, value in {**WHOLE, **changed}.items() if value is not None}])[0]


def test_a_rule_lets_update_and_read_unless_it_says_otherwise() -> None:
    assert rule().scopes == ("publish-update", "read")
    assert rule(scopes=["publish-new"], owner="team:tools").scopes == ("publish-new",)


def test_rules_are_given_in_options_as_toml_writes_tables() -> None:
    text = f'{{issuer = "{GITHUB}", repository = "acme/crates", crates = ["acme-*"]}}'
    assert read_rules([text]) == read_rules(TRUSTED.from_text(text)) == (rule(),)
    assert len(read_rules(TRUSTED.from_text(f"{text}, {text}"))) == 2


@pytest.mark.parametrize(
    ("wanted", "value", "fits"),
    [
        ("acme/crates", "acme/crates", True),
        ("acme/crates", "acme/crates-evil", False),
        ("acme/crates", "evil/acme/crates", False),
        ("acme/crates", "Acme/crates", False),
        ("acme/crate?", "acme/crates", True),
        ("acme/*", "acme/crates", True),
        ("acme/*", "acme/crates/evil", False),
        ("refs/tags/v*", "refs/tags/v1.0.0", True),
        ("refs/tags/v*", "refs/tags/v1/x", False),
        ("refs/tags/v*", "refs/heads/v1", False),
        ("a.b[c]", "a.b[c]", True),
        ("a.b", "axb", False),
        ("v*", "v1\nx", True),
        ("v1", "v1\n", False),
    ],
)
def test_patterns_are_of_whole_values_and_stop_at_slashes(wanted: str, value: str, fits: bool) -> None:
    assert matches(wanted, value) is fits


def test_all_that_a_rule_asks_for_must_be_claimed() -> None:
    asked = rule(
        workflow="release.yml", environment="release", ref="refs/tags/v*", claims={"repository_owner_id": "65"}
    )
    whole = {
        "repository": "acme/crates",
        "workflow": "release.yml",
        "environment": "release",
        "ref": "refs/tags/v1.0.0",
        "repository_owner_id": "65",
    }
    assert asked.matches({**whole, "more": "x"})
    for name in whole:
        assert not asked.matches({**whole, name: "other"})
        assert not asked.matches({key: value for key, value in whole.items() if key != name})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"issuer": "http://issuer.example"}, "must be an https URL"),
        ({"issuer": "https://"}, "must be an https URL"),
        ({"issuer": "https://[issuer"}, "must be an https URL"),
        ({"issuer": "https://issuer.example/?x=1"}, "must be an https URL"),
        ({"issuer": None}, "missing required field `issuer`"),
        ({"repository": None}, "every job of https://token.actions.githubusercontent.com could publish"),
        ({"repository": "acme*/crates"}, "must name its owner in full"),
        ({"repository": "*"}, "'\\*' asks for nothing"),
        ({"ref": ""}, "'' asks for nothing"),
        ({"claims": {"ref": "refs/heads/main"}}, "claims: 'ref' stands beside them"),
        ({"crates": []}, "it names none"),
        ({"crates": ["a/b"]}, "'a/b' must be a name or a pattern"),
        ({"crates": None}, "missing required field `crates`"),
        ({"scopes": ["owners"]}, "a job names no owners"),
        ({"scopes": ["everything"]}, "Invalid enum value 'everything'"),
        ({"scopes": ["publish-new"]}, "publish-new needs an owner"),
        ({"owner": "a b"}, "must be a user such as `alice`"),
        ({"repo": "acme/crates"}, "unknown field `repo`"),
    ],
)
def test_a_rule_that_would_let_in_more_than_it_says_is_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=f"rule 1: .*{says}"):
        rule(**changed)


def test_what_is_no_list_of_tables_is_refused() -> None:
    for value in ("x", 1, {"issuer": "x"}):
        with pytest.raises(InvalidInput, match="must be a list of rules"):
            read_rules(value)
    with pytest.raises(InvalidInput, match="rule 1: 'x' must be tables as TOML writes them"):
        read_rules(["x"])


def test_an_issuer_on_this_machine_needs_no_tls() -> None:
    assert rule(issuer="http://127.0.0.1:8080").issuer == "http://127.0.0.1:8080"
    assert rule(issuer="http://localhost:8080/realms/acme").issuer == "http://localhost:8080/realms/acme"


@pytest.mark.parametrize("text", ["", "{issuer = }"])
def test_an_option_without_a_table_is_told_how_one_is_written(text: str) -> None:
    with pytest.raises(InvalidInput, match="must be tables as TOML writes them"):
        read_rules([text])
