"""The rules of trusted publishing, `[[publish.trusted]]`: which jobs of which CI may publish what.

Nothing here knows of tokens or keys: a rule is held against claims that somebody else has verified.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidInput
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.protocol.urls import LOOPBACK
from cargo_static_index.settings.kinds import USER, Kind, Schema

TokenScope = Literal["publish-new", "publish-update", "yank", "owners", "read"]
SCOPES: Final[tuple[TokenScope, ...]] = get_args(TokenScope)

Claims = Mapping[str, str]


class TrustedRule(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One table of `[[publish.trusted]]`: what a job's token must claim, and what it is then good for.

    The claims are texts or patterns of whole values, in which `*` and `?` stand for anything but a `/`.
    """

    issuer: str
    """As the token's `iss` has it, letter by letter."""
    repository: str | None = None
    """GitHub's `repository`, GitLab's `project_path`."""
    workflow: str | None = None
    """The file that the job was started from: `release.yml` at GitHub, `.gitlab-ci.yml` at GitLab."""
    environment: str | None = None
    ref: str | None = None
    """In full, such as `refs/tags/v1.0.0`."""
    claims: dict[str, str] = {}
    """Any other claims by their own names."""
    crates: tuple[str, ...]
    """Names of crates, or patterns of them."""
    scopes: tuple[TokenScope, ...] = ("publish-update", "read")
    owner: str | None = None
    """Who owns a crate that is published first by this rule."""

    def wanted(self) -> Claims:
        """Give the patterns of this rule, by what they are of."""
        named = {name: getattr(self, name) for name in NAMED}
        return {**{name: text for name, text in named.items() if text is not None}, **self.claims}

    def matches(self, claims: Claims) -> bool:
        """Whether a token of this issuer's with these claims is one that the rule means."""
        return all(name in claims and matches(wanted, claims[name]) for name, wanted in self.wanted().items())


NAMED: Final = ("repository", "workflow", "environment", "ref")
"""What a rule can ask for without knowing how a CI calls it."""


def matches(wanted: str, value: str) -> bool:
    """Whether a pattern fits a whole value; `*` and `?` stand for anything but a `/`."""
    return re.fullmatch("".join(_GLOB.get(char) or re.escape(char) for char in wanted), value) is not None


_GLOB: Final = {"*": "[^/]*", "?": "[^/]"}


# How they are written --------------------------------------------------------------------------------------


def read_rules(value: object) -> tuple[TrustedRule, ...]:
    """Read rules as TOML gives them, or raise InvalidInput; a text is one table as an option gives it."""
    if not isinstance(value, list):
        raise InvalidInput(f"{quote(value)} must be {_EXPECTS}")
    rules = []
    for number, item in enumerate(value, 1):
        try:
            rules.append(_read_rule(_tables_in(item)[0] if isinstance(item, str) else item))
        except (InvalidInput, msgspec.ValidationError) as error:
            raise InvalidInput(f"rule {number}: {error}") from error
    return tuple(rules)


def _read_rule(value: object) -> TrustedRule:
    rule = msgspec.convert(value, TrustedRule)
    if not is_safe(rule.issuer) or set(rule.issuer) & set("?#"):
        raise InvalidInput(
            f"issuer: {rule.issuer!r} must be an https URL such as `https://token.actions.githubusercontent.com`"
        )
    _check_claims(rule)
    for name in rule.crates:
        if _NAMES.fullmatch(name) is None:
            raise InvalidInput(f"crates: {name!r} must be a name or a pattern such as `acme-*`")
    if not rule.crates:
        raise InvalidInput('crates: it names none; write `crates = ["acme-*"]`')
    if "owners" in rule.scopes:
        raise InvalidInput("scopes: a job names no owners; there are publish-new, publish-update, yank and read")
    if rule.owner is not None and _OWNER.fullmatch(rule.owner) is None:
        raise InvalidInput(f"owner: {rule.owner!r} must be a user such as `alice`, or a team such as `team:tools`")
    if "publish-new" in rule.scopes and rule.owner is None:
        raise InvalidInput('publish-new needs an owner of what is new: write `owner = "team:tools"`')
    return rule


def is_safe(url: str) -> bool:
    """Whether what a URL gives is from whom it says: it comes by https, or from this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(host)) or (parts.scheme == "http" and host in LOOPBACK)


def _check_claims(rule: TrustedRule) -> None:
    wanted = rule.wanted()
    for name, text in wanted.items():
        if name in NAMED and name in rule.claims:
            raise InvalidInput(f"claims: {name!r} stands beside them, for what it means at each CI: `{name} = …`")
        if not text or set(text) <= set("*?"):
            raise InvalidInput(f"{name}: {text!r} asks for nothing; write what the token must say")
    if rule.repository is None and not rule.claims:
        raise InvalidInput(
            f"it names no repository, so every job of {rule.issuer} could publish: "
            'write `repository = "OWNER/NAME"`, or `claims = {NAME = "VALUE"}`'
        )
    # Attack: with `acme*/crates` whoever makes an account `acme-evil` may publish.
    if rule.repository is not None and set(rule.repository.partition("/")[0]) & set("*?"):
        raise InvalidInput(f"repository: {rule.repository!r} must name its owner in full, since anybody can be another")


def _tables_in(text: str) -> list[object]:
    import tomllib

    try:
        tables: list[object] = tomllib.loads(f"rules = [{text}]")["rules"]
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{text!r} must be tables as TOML writes them: {_EXAMPLE}") from error
    if not tables:
        raise InvalidInput(f"{text!r} must be tables as TOML writes them: {_EXAMPLE}")
    return tables


def _from_text(text: str) -> object:
    try:
        return _tables_in(text)
    except InvalidInput:
        return text


_NAMES = pattern("[A-Za-z0-9_*?-]+")
_OWNER = pattern(f"(?:team:)?{USER}")
_EXPECTS = "a list of rules, each a table with `issuer`, `crates`, and what the token must claim"
_EXAMPLE = '{issuer = "https://gitlab.com", repository = "acme/crates", crates = ["acme-*"]}'
_STRING: Schema = {"type": "string", "minLength": 1}
_STRINGS: Schema = {"type": "array", "items": _STRING, "minItems": 1}
_RULE_SCHEMA: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["issuer", "crates"],
    "properties": {
        "issuer": {"type": "string", "pattern": "^https?://"},
        **dict.fromkeys(NAMED, _STRING),
        "claims": {"type": "object", "additionalProperties": _STRING},
        "crates": _STRINGS,
        "scopes": {"type": "array", "items": {"enum": [scope for scope in SCOPES if scope != "owners"]}},
        "owner": _STRING,
    },
}

TRUSTED: Final = Kind(
    expects=_EXPECTS,
    metavar="RULE",
    schema={"type": "array", "items": _RULE_SCHEMA},
    read=lambda value, _: read_rules(value),
    from_text=_from_text,
    many=True,
)
