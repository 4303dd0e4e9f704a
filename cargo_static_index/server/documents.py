"""The JSON that the web API answers: shapes of cargo's book ("Registry Web API") and crates.io, with the keys we know.

The OpenAPI description is made from these, too.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from cargo_static_index.protocol.index_entry import DependencyKind
from cargo_static_index.tree.owners import OWNER

Number = Annotated[int, Meta(ge=0, le=2**32 - 1)]
"""cargo reads 32 bits."""


class FailureDetail(Struct, frozen=True):
    """One sentence of a failure, which cargo prints."""

    detail: str


class WebFailure(Struct, frozen=True):
    """Why a request failed; all problems at once."""

    errors: tuple[FailureDetail, ...]


class Warnings(Struct, frozen=True, kw_only=True):
    """What cargo warns of after it has published; `other` are sentences."""

    invalid_categories: tuple[str, ...] = ()
    invalid_badges: tuple[str, ...] = ()
    other: tuple[str, ...]


class PublishDocument(Struct, frozen=True):
    """A release stands in the index."""

    warnings: Warnings


class Done(Struct, frozen=True):
    """A change was made."""

    ok: Literal[True] = True


class OwnersChanged(Struct, frozen=True, kw_only=True):
    """Owners were added or removed; without `msg` cargo fails after the change."""

    ok: Literal[True] = True
    msg: str


class OwnersAsked(Struct, frozen=True):
    """Users and teams (`team:NAME`) to add or to remove."""

    users: Annotated[tuple[Annotated[str, Meta(pattern=f"^{OWNER}$", max_length=100)], ...], Meta(min_length=1)]


class Owner(Struct, frozen=True, kw_only=True):
    """An owner: a user's name, or `team:NAME`."""

    id: Number
    login: str
    name: str | None = None


class OwnersDocument(Struct, frozen=True):
    """Who owns a crate."""

    users: tuple[Owner, ...]


class Publishing(Struct, frozen=True):
    """Whether new versions come by trusted publishing alone."""

    trustpub_only: bool


class PublishingAsked(Struct, frozen=True):
    """How a crate is to be published from now on."""

    crate: Publishing


class PublishingOf(Struct, frozen=True, kw_only=True):
    """How a crate is published."""

    id: str
    name: str
    trustpub_only: bool


class PublishingChanged(Struct, frozen=True):
    """How a crate is published now."""

    crate: PublishingOf


class JobToken(Struct, frozen=True):
    """What the CI has signed for a job, to be exchanged."""

    jwt: str


class TrustedToken(Struct, frozen=True):
    """A token of trusted publishing, good for 30 minutes."""

    token: str


class FoundCrate(Struct, frozen=True, kw_only=True):
    """A crate that was searched for."""

    id: str
    name: str
    max_version: str
    description: str | None


class Total(Struct, frozen=True):
    """How many there are on all pages."""

    total: Number


class FoundCrates(Struct, frozen=True):
    """A page of crates, the likeliest first."""

    crates: tuple[FoundCrate, ...]
    meta: Total


class WebVersion(Struct, frozen=True, kw_only=True):
    """A version; times are written as `pubtime` is. What its metadata would tell is null where that is lost."""

    crate: str
    num: str
    checksum: str
    yanked: bool
    created_at: str | None
    updated_at: str | None
    features: dict[str, tuple[str, ...]]
    links: str | None
    rust_version: str | None
    crate_size: int | None
    license: str | None
    edition: str | None
    dl_path: str
    readme_path: str
    description: str | None
    homepage: str | None
    documentation: str | None
    repository: str | None


class WebCrate(Struct, frozen=True, kw_only=True):
    """A crate, as its default version describes it."""

    id: str
    name: str
    max_version: str
    max_stable_version: str | None
    newest_version: str
    default_version: str
    created_at: str | None
    updated_at: str | None
    keywords: tuple[str, ...]
    categories: tuple[str, ...]
    trustpub_only: bool
    description: str | None
    homepage: str | None
    documentation: str | None
    repository: str | None


class CrateAndVersions(Struct, frozen=True):
    """A crate and its versions, the highest first."""

    crate: WebCrate
    versions: tuple[WebVersion, ...]


class Versions(Struct, frozen=True):
    """The versions of a crate, the highest first."""

    versions: tuple[WebVersion, ...]


class OneVersion(Struct, frozen=True):
    """One version."""

    version: WebVersion


class WebDependency(Struct, frozen=True, kw_only=True):
    """What a version needs."""

    id: int
    crate_id: str
    req: str
    optional: bool
    default_features: bool
    features: tuple[str, ...]
    target: str | None
    kind: DependencyKind


class Dependencies(Struct, frozen=True):
    """All that a version needs."""

    dependencies: tuple[WebDependency, ...]


class DependentVersion(Struct, frozen=True):
    """A version that needs a crate."""

    crate: str
    num: str


class Dependents(Struct, frozen=True, kw_only=True):
    """The newest versions that need a crate, and how: both lists go together."""

    dependencies: tuple[WebDependency, ...]
    versions: tuple[DependentVersion, ...]
    meta: Total


class Location(Struct, frozen=True):
    """Where what was asked for is."""

    url: str
