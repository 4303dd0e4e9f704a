"""What a registry asks of crates, with rules of its own beside those that every registry has."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import UnionType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from cargo_static_index.crate.limits import Limits
from cargo_static_index.diagnostics.errors import InvalidInput, check_types
from cargo_static_index.diagnostics.escape import quote
from cargo_static_index.diagnostics.problems import Problem, problem
from cargo_static_index.diagnostics.rule import LEVELS, Level, Rule, is_own
from cargo_static_index.diagnostics.rules import RULES, levels_of
from cargo_static_index.protocol.registries import Home, normalise_index_url

if TYPE_CHECKING:  # who asks has it; who opens a registry and finds nothing new needs no manifest
    from cargo_static_index.crate.metadata import CrateMetadata

OwnCheck = Callable[["CrateMetadata"], Iterable[Problem]]
"""What holds one crate against rules of one's own, and gives a problem for each that it breaks."""


class OwnRules(Struct, frozen=True, kw_only=True):
    """Rules of one's own, and the function that asks whether a crate keeps to them.

    Each id has a `/`, as `acme/no-copyleft`, so that it is never one of ours. `[rules]` may change their levels.
    `check` takes the metadata of one crate and gives a `Problem(rule=…, message=…)` for each rule that it breaks; it
    may be called by several processes at once, for crates in any order, so for a registry it stands at the top of a
    module, from where they import it. `version` tells refused files in the drop
    directory when to be judged anew: give another one where `check` has changed.
    InvalidInput for an id or a level that is none, and for an id that is there twice.
    """

    rules: tuple[Rule, ...]
    check: OwnCheck
    version: str = ""

    def __post_init__(self) -> None:
        if not _are_rules(self.rules):
            raise InvalidInput("`rules` must be a tuple of `Rule`")
        if not callable(self.check):
            raise InvalidInput("`check` must be a function that takes the metadata of a crate")
        ids = [rule.id for rule in self.rules]
        for rule in self.rules:
            _check_rule(rule, ids)
        force_setattr(self, "rules", tuple(replace(rule, policy=True, of_tree=False) for rule in self.rules))


REQUIRABLE = (
    "authors", "categories", "description", "documentation", "homepage", "keywords", "license", "readme", "repository",
    "rust-version",
)  # fmt: skip
"""The fields of `[package]` that a registry can ask for."""


class Policy(Struct, frozen=True, kw_only=True):
    """What a registry asks of a release.

    InvalidInput for what is of another type, and for a required field, a rule or a level that is not known;
    InvalidConfig where one of `allowed` is no URL.
    """

    limits: Limits = Limits()
    home: Home = Home()
    registry_name: str | None = None
    """The registry's name in `package.publish`."""
    levels: Mapping[str, Level] = {}
    """Rules whose level differs from their own; in a mirror those of a mirror are added."""
    required_fields: tuple[str, ...] = ()
    """Those of REQUIRABLE that must not be empty; `license-file` will do for `license`."""
    allowed: tuple[str, ...] = ()
    """Index URLs of other registries that dependencies may come from."""
    own_rules: OwnRules | None = None

    def __post_init__(self) -> None:
        check_types(self, _TYPES)
        unknown = [field for field in self.required_fields if field not in REQUIRABLE]
        if unknown:
            raise InvalidInput(f"`required_fields`: {unknown[0]!r} is not one of {', '.join(REQUIRABLE)}")
        unknown = [rule for rule in self.levels if rule not in RULES and not is_own(rule)]
        if unknown:
            raise InvalidInput(f"`levels`: there is no rule {unknown[0]!r}")
        unknown = [level for level in self.levels.values() if level not in LEVELS]
        if unknown:
            raise InvalidInput(f"`levels`: {unknown[0]!r} is not one of {', '.join(map(repr, LEVELS))}")
        for url in self.allowed:
            normalise_index_url(url)
        force_setattr(self, "levels", levels_of(self.levels, mirror=self.home.mode == "mirror"))


_TYPES: Mapping[str, type | UnionType] = {
    "limits": Limits,
    "home": Home,
    "levels": Mapping,
    "required_fields": tuple,
    "allowed": tuple,
    "own_rules": OwnRules | None,
}
"""What the parts of a policy are: a text where a tuple should be is taken for its letters."""


def _are_rules(rules: object) -> bool:
    return isinstance(rules, tuple) and all(isinstance(rule, Rule) and isinstance(rule.id, str) for rule in rules)


def _check_rule(rule: Rule, ids: list[str]) -> None:
    if not is_own(rule.id):
        raise InvalidInput(f"the id of a rule of one's own is written like `acme/no-copyleft`, and {rule.id!r} is not")
    if ids.count(rule.id) > 1:
        raise InvalidInput(f"there are two rules {rule.id!r}")
    if rule.level not in LEVELS or rule.mirror not in {None, *LEVELS}:
        raise InvalidInput(f'the level of {rule.id!r} must be "refuse", "warn" or "allow"')


def check_shared(own: OwnRules) -> None:
    """Raise InvalidInput unless the processes that read crates can be given the rules, as they import `check`."""
    from multiprocessing.reduction import ForkingPickler

    try:
        ForkingPickler.dumps(own)
    except Exception as error:
        raise InvalidInput(
            f"`own_rules`: the processes that read crates cannot import `check`, {quote(repr(own.check))}; "
            "define it with `def` at the top of a module, not inside of a function and not as a lambda"
        ) from error


def check_own_rules(own: OwnRules, metadata: "CrateMetadata", *, mirror: bool) -> Iterator[Problem]:
    """Give what rules of one's own find; where their function fails, that is one more problem.

    Each problem has its rule with it, with the level that it has here.
    """
    rules = {rule.id: replace(rule, level=(rule.mirror if mirror else None) or rule.level) for rule in own.rules}
    try:
        for found in own.check(metadata):
            yield _with_its_rule(found, rules)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is: it is not ours, and stops no other crate
        yield problem("own-rules-failed", f"The registry's own rules could not be asked: {_failure(error)}.")


def _with_its_rule(found: object, rules: Mapping[str, Rule]) -> Problem:
    if not isinstance(found, Problem):
        raise TypeError(f"`check` gave {found!r}, which is no `Problem`")
    if found.rule not in rules:
        raise LookupError(f"`check` gave a problem of the rule {found.rule!r}, which `RULES` does not have")
    rule = rules[found.rule]
    return replace(found, own=rule, message=found.message or rule.says, way_out=found.way_out or rule.way_out)


def _failure(error: BaseException) -> str:
    """Give what was raised, and the line that raised it."""
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error).rstrip('.')} ({last.filename}, line {last.lineno})"
