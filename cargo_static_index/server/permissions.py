"""Who may change what: a token's own limits, then who owns the crate. Each answer is None, or the reason against it."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from msgspec import Struct

from cargo_static_index.server.tokens import Token
from cargo_static_index.settings import Settings
from cargo_static_index.settings.trusted import TokenScope
from cargo_static_index.tree.owners import TEAM

OwnerNames = tuple[str, ...]


class Permissions(Struct, frozen=True, kw_only=True):
    """What the settings say: users who may change everything, teams and their users, names that have owners."""

    admins: frozenset[str] = frozenset()
    teams: Mapping[str, frozenset[str]] = {}
    patterns: tuple[tuple[str, OwnerNames], ...] = ()

    def owners_of(self, name: str, held: OwnerNames | None) -> OwnerNames:
        """Give the owners of a crate: those that it has, or else those that its name has; none where there are none."""
        if held:
            return held
        return next((owners for pattern, owners in self.patterns if fnmatchcase(name, pattern)), ())

    def is_owner(self, token: Token, owners: OwnerNames) -> bool:
        """Whether a token is that of an owner, by its user, its team, or a team of its user."""
        if token.is_trusted:
            return True  # by the rule that names the crate, which `refuse_scope` has looked at
        teams = {owner.removeprefix(TEAM) for owner in owners if owner.startswith(TEAM)}
        own = token.user in owners or token.user in self.admins or token.team in teams
        return own or any(token.user in self.teams.get(team, ()) for team in teams)

    def refuse_publish(self, token: Token, name: str, owners: OwnerNames, *, is_new: bool) -> str | None:
        """Say why a token may not publish a release of a crate, which `is_new` where nothing is known of its name."""
        reason = refuse_scope(token, "publish-new" if is_new else "publish-update", name)
        if reason or (is_new and not owners):
            return reason
        return self._refuse_owner(token, name, owners)

    def refuse_change(self, token: Token, scope: TokenScope, name: str, owners: OwnerNames) -> str | None:
        """Say why a token may not change what is published of a crate."""
        return refuse_scope(token, scope, name) or self._refuse_owner(token, name, owners)

    def _refuse_owner(self, token: Token, name: str, owners: OwnerNames) -> str | None:
        if self.is_owner(token, owners):
            return None
        if not owners:
            return (
                f"{name} has no owner, since it was not published here by cargo: whoever runs this registry gives it "
                f"one with `cargo-static-index owner {name} --add {token.user}`"
            )
        return f"{name} is owned by {', '.join(owners)}: ask for `cargo owner --add {token.user} {name}`"


def refuse_scope(token: Token, scope: TokenScope, name: str | None = None) -> str | None:
    """Say why a token is not good for something, of a crate where one is named."""
    if scope not in token.scopes:
        return f"this token is good for {', '.join(token.scopes)}, and not for {scope}"
    if name is not None and token.crates and not any(fnmatchcase(name, pattern) for pattern in token.crates):
        return f"this token is good for crates named {', '.join(token.crates)}, and not for {name}"
    return None


def permissions_of(settings: Settings) -> Permissions:
    """Give what the settings say of who may change what."""
    publish = settings.publish
    return Permissions(
        admins=frozenset(publish.admins),
        teams={words[0]: frozenset(words[1:]) for words in map(str.split, publish.teams)},
        patterns=tuple((words[0], tuple(words[1:])) for words in map(str.split, publish.owners)),
    )
