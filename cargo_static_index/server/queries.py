"""The web API that reads: search, as cargo asks for it, and what else crates.io's API says of crates.

Shapes are crates.io's, with the keys that we know. Cargo's book: "Registry Web API", section "Search".
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.diagnostics.errors import NotHeld
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.protocol.index_entry import Dependency, parse_entry
from cargo_static_index.protocol.index_file import Line, newest
from cargo_static_index.protocol.semver import is_prerelease, parse_version
from cargo_static_index.registry.configured import store_of
from cargo_static_index.registry.dependents import dependencies_on
from cargo_static_index.registry.search import MOST_ROWS, search_of
from cargo_static_index.server import documents
from cargo_static_index.server.answers import RequestRefused, crate_of, json_answer
from cargo_static_index.server.auth import Gate
from cargo_static_index.settings import Settings
from cargo_static_index.site.search import ranked
from cargo_static_index.tree import layout
from cargo_static_index.tree.owners import read_owners
from cargo_static_index.tree.read import index_paths_by_name, known_metadata, read_index, read_index_at

MOST_PER_PAGE: Final = 100
"""As crates.io; cargo asks for no more."""


class Queries:
    """The routes that answer what is held; `change` answers what changes how a crate is published (PATCH)."""

    def __init__(
        self, settings: Settings, gate: Gate, change: Callable[[Request], Awaitable[Response]] | None = None
    ) -> None:
        self._change = change
        self._gate = gate
        self._store = store_of(settings)
        self._state_folder = settings.state.path

    def routes(self) -> list[Route]:
        """Give the routes."""
        crate = "/api/v1/crates/{name}"
        return [
            Route("/api/v1/crates", self.search),
            Route(crate, self.crate, methods=["GET", "PATCH"] if self._change else ["GET"]),
            Route(f"{crate}/versions", self.versions),
            Route(f"{crate}/reverse_dependencies", self.reverse_dependencies),
            Route(f"{crate}/{{vers}}", self.version),
            Route(f"{crate}/{{vers}}/dependencies", self.dependencies),
            Route(f"{crate}/{{vers}}/readme", self.readme),
            Route(f"{crate}/{{vers}}/download", self.download),
        ]

    async def search(self, request: Request) -> Response:
        """Find crates, a page at a time."""
        per_page = _number(request, "per_page", 10, MOST_PER_PAGE)
        page = _number(request, "page", 1, 1_000_000)
        query = request.query_params.get("q", "")

        def found() -> documents.FoundCrates:
            with search_of(self._store, self._state_folder) as search:
                crates = ranked(query, search, MOST_ROWS)
                shown = [search.about(crate.name) for crate in crates[(page - 1) * per_page : page * per_page]]
            rows = (
                documents.FoundCrate(
                    id=crate.name, name=crate.name, max_version=crate.vers, description=crate.description or None
                )
                for crate in shown
                if crate
            )
            return documents.FoundCrates(tuple(rows), documents.Total(len(crates)))

        return await self._answer(request, found)

    async def crate(self, request: Request) -> Response:
        """Tell of a crate and its versions, or change it; one route, so that `Allow` names both methods."""
        if self._change and request.method == "PATCH":
            return await self._change(request)

        def found() -> documents.CrateAndVersions:
            lines = self._lines(crate_of(request))
            return documents.CrateAndVersions(self._crate(lines), tuple(map(self._version, lines)))

        return await self._answer(request, found)

    async def versions(self, request: Request) -> Response:
        """List the versions of a crate, the highest first."""
        return await self._answer(
            request, lambda: documents.Versions(tuple(map(self._version, self._lines(crate_of(request)))))
        )

    async def version(self, request: Request) -> Response:
        """Tell of one version."""
        return await self._answer(request, lambda: documents.OneVersion(self._version(self._line(request))))

    async def dependencies(self, request: Request) -> Response:
        """List what a version depends on."""

        def found() -> documents.Dependencies:
            entry = parse_entry(self._line(request).raw)
            return documents.Dependencies(tuple(_dependency(number, dep) for number, dep in enumerate(entry.deps)))

        return await self._answer(request, found)

    async def reverse_dependencies(self, request: Request) -> Response:
        """List the crates whose newest version depends on a crate."""

        def found() -> documents.Dependents:
            name = crate_of(request)
            self._lines(name)
            rows = [row for path in index_paths_by_name(self._store) for row in self._needs(path, name)]
            return documents.Dependents(
                dependencies=tuple(row for row, _ in rows),
                versions=tuple(version for _, version in rows),
                meta=documents.Total(len(rows)),
            )

        return await self._answer(request, found)

    async def readme(self, request: Request) -> Response:
        """Lead to the page that shows the README."""
        return await self._lead(request, lambda line: f"{layout.CRATES}/{line.name}/{line.vers}/")

    async def download(self, request: Request) -> Response:
        """Lead to the archive."""
        return await self._lead(request, lambda line: layout.archive_file(line.name, line.cksum))

    # -------------------------------------------------------------------------------------------------------

    async def _answer(self, request: Request, found: Callable[[], Struct]) -> Response:
        await self._gate.reader(request)
        return json_answer(await run_in_threadpool(found))

    async def _lead(self, request: Request, path: Callable[[Line], str]) -> Response:
        await self._gate.reader(request)
        line = await run_in_threadpool(self._line, request)
        url = self._gate.base_url(request) + path(line)
        if "application/json" in request.headers.get("Accept", ""):
            return json_answer(documents.Location(url), headers={"Vary": "Accept"})
        return RedirectResponse(url, HTTPStatus.FOUND, {"Vary": "Accept", "Cache-Control": "no-store"})

    def _lines(self, name: str) -> list[Line]:
        """Give the lines of a crate, the highest version first."""
        lines = [line for line in read_index(self._store, name).value.releases if line.name == name]
        if not lines:
            raise NotHeld(f"crate `{escape(name)}` does not exist")
        return sorted(lines, key=lambda line: parse_version(line.vers), reverse=True)

    def _line(self, request: Request) -> Line:
        name, vers = crate_of(request), request.path_params["vers"]
        for line in self._lines(name):
            if line.vers == vers:
                return line
        raise NotHeld(f"crate `{escape(name)}` does not have a version `{escape(vers)}`")

    def _crate(self, lines: list[Line]) -> documents.WebCrate:
        shown = newest(lines) or lines[0]
        metadata, owners = known_metadata(self._store, shown), read_owners(self._store, shown.name).value
        times = sorted(line.pubtime for line in lines if line.pubtime)
        stable = [line.vers for line in lines if not line.yanked and not is_prerelease(line.vers)]
        return documents.WebCrate(
            id=shown.name,
            name=shown.name,
            max_version=next((line.vers for line in lines if not line.yanked), "0.0.0"),
            max_stable_version=stable[0] if stable else None,
            newest_version=max(lines, key=lambda line: line.pubtime or "").vers,
            default_version=shown.vers,
            created_at=times[0] if times else None,
            updated_at=times[-1] if times else None,
            keywords=metadata.manifest.keywords if metadata else (),
            categories=metadata.manifest.categories if metadata else (),
            trustpub_only=owners is not None and owners.trusted_only,
            **_about(metadata),
        )

    def _version(self, line: Line) -> documents.WebVersion:
        metadata, entry = known_metadata(self._store, line), parse_entry(line.raw)
        api = f"/api/v1/crates/{line.name}/{line.vers}"
        return documents.WebVersion(
            crate=line.name,
            num=line.vers,
            checksum=line.cksum,
            yanked=line.yanked,
            created_at=line.pubtime,
            updated_at=line.pubtime,
            features=entry.features | (entry.features2 or {}),
            links=entry.links,
            rust_version=entry.rust_version,
            crate_size=metadata.packed_size if metadata else None,
            license=metadata.manifest.license if metadata else None,
            edition=metadata.manifest.edition if metadata else None,
            dl_path=f"{api}/download",
            readme_path=f"{api}/readme",
            **_about(metadata),
        )

    def _needs(self, path: str, wanted: str) -> list[tuple[documents.WebDependency, documents.DependentVersion]]:
        """Give how the newest version of the crate of an index file depends on another one of this registry."""
        line = newest(read_index_at(self._store, path).value.releases)
        if line is None:
            return []
        version = documents.DependentVersion(line.name, line.vers)
        found = dependencies_on(line, [wanted])
        return [(_dependency(number, dep), version) for number, dep in enumerate(found)]


def _about(metadata: CrateMetadata | None) -> dict[str, str | None]:
    keys = ("description", "homepage", "documentation", "repository")
    return {key: getattr(metadata.manifest, key) if metadata else None for key in keys}


def _dependency(number: int, dependency: Dependency) -> documents.WebDependency:
    return documents.WebDependency(
        id=number,
        crate_id=dependency.crate,
        req=dependency.req,
        optional=dependency.optional,
        default_features=dependency.default_features,
        features=dependency.features,
        target=dependency.target,
        kind=dependency.kind,
    )


def _number(request: Request, key: str, default: int, most: int) -> int:
    text = request.query_params.get(key, str(default))
    if text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= most:
        return int(text)
    raise RequestRefused(HTTPStatus.BAD_REQUEST, f"{key} is a whole number from 1 to {most}")
