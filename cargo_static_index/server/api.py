"""The web API that changes the tree: publish, yank, unyank, owners (cargo's book: "Registry Web API")."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar
from zlib import crc32

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cargo_static_index._json import UNREADABLE
from cargo_static_index.crate.candidate import Candidate, Outcome
from cargo_static_index.crate.policy import Policy
from cargo_static_index.diagnostics.errors import NotHeld
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.diagnostics.problems import Problem, level_of
from cargo_static_index.registry.configured import home_of, policy_of, store_of
from cargo_static_index.registry.read import Reader
from cargo_static_index.registry.withdraw import Spec
from cargo_static_index.server import documents
from cargo_static_index.server.answers import RequestRefused, crate_of, json_answer, read_body, sentence
from cargo_static_index.server.audit import AuditEntry, AuditFile, now_written
from cargo_static_index.server.auth import Gate
from cargo_static_index.server.health import Metrics
from cargo_static_index.server.permissions import refuse_scope
from cargo_static_index.server.private import private_place
from cargo_static_index.server.tokens import Token
from cargo_static_index.server.upload import UploadMetadata, UploadReader
from cargo_static_index.server.writer import Writer
from cargo_static_index.settings import Settings
from cargo_static_index.tree.owners import TEAM, names_in, parse_owner, read_owners
from cargo_static_index.tree.read import read_index

CONFLICTS: Final = frozenset({"release-conflict", "build-metadata-conflict"})
"""Rules that say that another release is in the way: 409, where all others are 400."""

BODY_BYTES: Final = 64 * 1024
"""A change of owners with more is none: crates.io takes ten at a time."""

SMALL: Final = 64 * 1024
"""Bytes up to which an archive waits for no turn: crowds of slow uploads that never grow keep nobody out."""

_UPLOAD: Final = "upload"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

T = TypeVar("T")


class WebApi:
    """The routes, and what they share."""

    def __init__(self, settings: Settings, gate: Gate, writer: Writer, metrics: Metrics) -> None:
        self._metrics = metrics
        self._audit = AuditFile(private_place(settings.publish.private))
        self._room = asyncio.Semaphore(settings.publish.uploads)
        self._settings = settings
        self._gate = gate
        self._writer = writer
        self._store = store_of(settings)
        self._policy: Policy = policy_of(settings, home_of(settings))

    def routes(self) -> list[Route]:
        """Give the routes."""
        crate = "/api/v1/crates/{name}"
        return [
            Route("/api/v1/crates/new", self.publish, methods=["PUT"]),
            Route(f"{crate}/{{vers}}/yank", self.yank, methods=["DELETE"]),
            Route(f"{crate}/{{vers}}/unyank", self.unyank, methods=["PUT"]),
            Route(f"{crate}/owners", self.owners, methods=["GET", "PUT", "DELETE"]),
        ]

    # Publish -----------------------------------------------------------------------------------------------

    async def publish(self, request: Request) -> Response:
        """Publish a release: answered once the new line can be read."""
        token = await self._gate.changing(request)
        async with self._audited(request, token, "publish") as asked:
            return await self._publish(request, token, asked)

    async def _publish(self, request: Request, token: Token, asked: "_Asked") -> Response:
        async with AsyncExitStack() as stack:
            folder = await stack.enter_async_context(self._stage())
            metadata = await self._receive(request, token, folder, stack)
            asked.crate, asked.version = metadata.name, metadata.vers
            candidate = await run_in_threadpool(self._read, folder, metadata)
            outcome = await _done(self._writer.publish(token, candidate, folder))
            asked.about = f"sha256 {outcome.cksum}"
        return self._answer(outcome, self._gate.warnings(token))

    @asynccontextmanager
    async def _stage(self) -> AsyncIterator[Path]:
        """Give a folder of the tree's own for one upload; what a killed process left there goes with the next."""
        with ExitStack() as stack:
            yield await run_in_threadpool(stack.enter_context, store_of(self._settings).session())

    async def _receive(self, request: Request, token: Token, folder: Path, stack: AsyncExitStack) -> UploadMetadata:
        """Stream the archive of a body to a file, and give its metadata; what a token is not good for ends early.

        A large upload waits for its turn, which lasts as long as the stack.
        """
        length = request.headers.get("Content-Length")
        reader = UploadReader(self._policy.limits.packed_bytes, int(length) if length else None)
        is_allowed, size = False, 0
        with os.fdopen(os.open(folder / _UPLOAD, _NEW, 0o600), "wb") as file:
            async for chunk in self._chunks(request):
                archive = reader.feed(chunk)
                if size <= SMALL < size + len(archive):
                    await stack.enter_async_context(self._room)
                size += len(archive)
                if reader.metadata is not None and not is_allowed:
                    self._allow_publish(token, reader.metadata.name)
                    is_allowed = True
                if archive:
                    self._metrics.received.inc(len(archive))
                    await run_in_threadpool(file.write, archive)
        return reader.finish()

    async def _chunks(self, request: Request) -> AsyncIterator[bytes]:
        """Give the parts of a body as they come, or refuse with 408 where none comes for too long."""
        stream = request.stream()
        while True:
            try:
                async with asyncio.timeout(self._settings.serve.idle_timeout):
                    chunk = await anext(stream, None)
            except TimeoutError as error:
                raise RequestRefused(HTTPStatus.REQUEST_TIMEOUT, "the body stopped coming") from error
            if chunk is None:
                return
            yield chunk

    def _allow_publish(self, token: Token, name: str) -> None:
        new, update = refuse_scope(token, "publish-new", name), refuse_scope(token, "publish-update", name)
        if new and update:
            raise RequestRefused(HTTPStatus.FORBIDDEN, update)

    def _read(self, folder: Path, metadata: UploadMetadata) -> Candidate:
        """Read the archive, and refuse what is not the release that was announced, or breaks a rule."""
        reader = Reader(policy=self._policy, stage=str(folder), pubtime=now_written(self._gate.clock()))
        found = reader.read_staged(_UPLOAD, f"{metadata.name}-{metadata.vers}.crate")
        for what, announced, there in (("name", metadata.name, found.name), ("version", metadata.vers, found.vers)):
            if there not in {"", announced}:
                detail = f"metadata {what} `{announced}` does not match manifest {what} `{escape(there)}`"
                raise RequestRefused(HTTPStatus.BAD_REQUEST, detail)
        if found.refused:
            raise self._refused(found.problems)
        return found

    def _answer(self, outcome: Outcome, warnings: Sequence[str]) -> Response:
        if outcome.status not in {"published", "restored", "unchanged"}:
            raise self._refused(outcome.problems)
        self._metrics.publishes.inc(outcome.status == "published")
        others = [*map(sentence, self._of(outcome.problems, "warn")), *warnings]
        if outcome.status != "published":
            others.append(f"{outcome.name} {outcome.vers} was published before, with the same bytes")
        return json_answer(documents.PublishDocument(documents.Warnings(other=tuple(others))))

    def _refused(self, found: Sequence[Problem]) -> RequestRefused:
        problems = self._of(found, "refuse")
        for rule in {problem.rule for problem in problems}:
            self._metrics.refusals.labels(rule).inc()
        conflict = any(problem.rule in CONFLICTS for problem in problems)
        return RequestRefused(HTTPStatus.CONFLICT if conflict else HTTPStatus.BAD_REQUEST, *map(sentence, problems))

    def _of(self, problems: Sequence[Problem], level: str) -> list[Problem]:
        return [problem for problem in problems if level_of(problem, self._settings.rules) == level]

    @asynccontextmanager
    async def _audited(
        self, request: Request, token: Token, action: str, crate: str = "", version: str = "", about: str = ""
    ) -> AsyncIterator["_Asked"]:
        """Note what was asked for, and what came of it."""
        asked, outcome = _Asked(crate, version, about), "done"
        try:
            yield asked
        except BaseException as error:
            outcome = (
                "; ".join(error.details) if isinstance(error, RequestRefused) else str(error) or type(error).__name__
            )
            raise
        finally:
            entry = AuditEntry(
                time=now_written(self._gate.clock()),
                user=token.user,
                token=token.id,
                action=action,
                crate=asked.crate,
                version=asked.version,
                about=asked.about,
                client=self._gate.client(request),
                claims=token.claims,
                outcome=outcome,
            )
            await run_in_threadpool(self._audit.append, entry)

    # Yank --------------------------------------------------------------------------------------------------

    async def yank(self, request: Request) -> Response:
        """Keep a release from being chosen anew."""
        return await self._set_yanked(request, yanked=True)

    async def unyank(self, request: Request) -> Response:
        """Let a release be chosen again."""
        return await self._set_yanked(request, yanked=False)

    async def _set_yanked(self, request: Request, *, yanked: bool) -> Response:
        token = await self._gate.allowed(request, "yank")
        spec = Spec(crate_of(request), request.path_params["vers"])
        async with self._audited(request, token, "yank" if yanked else "unyank", spec.name, spec.vers):
            await _done(self._writer.set_yanked(token, spec, yanked=yanked))
        return json_answer(documents.Done())

    # Owners ------------------------------------------------------------------------------------------------

    async def owners(self, request: Request) -> Response:
        """List, add to or remove from who owns a crate; one route, so that `Allow` names all methods."""
        changes = request.method in {"PUT", "DELETE"}
        return await (self.change_owners if changes else self.list_owners)(request)

    async def list_owners(self, request: Request) -> Response:
        """List who owns a crate."""
        await self._gate.reader(request)
        owners = await run_in_threadpool(self._owners_of, crate_of(request))
        return json_answer(
            documents.OwnersDocument(tuple(documents.Owner(id=crc32(owner.encode()), login=owner) for owner in owners))
        )

    def _owners_of(self, name: str) -> tuple[str, ...]:
        held = names_in(read_owners(self._store, name).value)
        if held is None and not read_index(self._store, name).value.releases:
            raise NotHeld(f"there is no crate {escape(name)!r} in this registry")
        return self._gate.permissions.owners_of(name, held)

    async def change_owners(self, request: Request) -> Response:
        """Make users and teams owners of a crate (PUT), or let them be that no more (DELETE)."""
        token = await self._gate.allowed(request, "owners")
        name = crate_of(request)
        users = await self._users_in(request)
        adds = request.method == "PUT"
        for user in users if adds else ():
            self._know(user)
        add, remove = (users, ()) if adds else ((), users)
        action, said = ("add owners", f"now owns {name}") if adds else ("remove owners", f"owns {name} no more")
        async with self._audited(request, token, action, name, about=" ".join(users)):
            await _done(self._writer.change_owners(token, name, add=add, remove=remove))
        return json_answer(documents.OwnersChanged(msg=f"{', '.join(users)} {said}"))

    async def set_trusted_only(self, request: Request) -> Response:
        """Have new versions of a crate come by trusted publishing alone, or by any token again, as crates.io does."""
        token = await self._gate.allowed(request, "owners")
        name = crate_of(request)
        wanted = (await self._document(request, documents.PublishingAsked)).crate.trustpub_only
        about = "trusted only" if wanted else "any token"
        async with self._audited(request, token, "set publishing", name, about=about):
            await _done(self._writer.change_owners(token, name, trusted_only=wanted))
        return json_answer(
            documents.PublishingChanged(documents.PublishingOf(id=name, name=name, trustpub_only=wanted))
        )

    async def _users_in(self, request: Request) -> tuple[str, ...]:
        """Give the owners that a body names; cargo sends `users`, and others also `owners`."""
        document = await self._document(request, _OwnersBody)
        users = tuple(map(parse_owner, document.users or document.owners))
        if not users:
            raise RequestRefused(HTTPStatus.BAD_REQUEST, 'the body names nobody: write {"users": ["alice"]}')
        return users

    async def _document(self, request: Request, kind: type[T]) -> T:
        body = await read_body(request, BODY_BYTES)
        try:
            return msgspec.json.decode(body, type=kind)
        except UNREADABLE as error:
            raise RequestRefused(HTTPStatus.BAD_REQUEST, f"the body cannot be read: {escape(str(error))}") from error

    def _know(self, owner: str) -> None:
        """Refuse a name that nobody has: it is a slip of the pen, and whoever took it later would own the crate."""
        team = owner.removeprefix(TEAM)
        if team != owner and team not in self._gate.permissions.teams:
            raise RequestRefused(
                HTTPStatus.BAD_REQUEST, f"there is no team {team!r}: `teams` in `[publish]` names them"
            )
        if team == owner and owner not in self._gate.users():
            raise RequestRefused(HTTPStatus.BAD_REQUEST, f"there is no user {owner!r}: nobody of that name has a token")


class _Asked(Struct):
    """What a change is about, as far as it is known."""

    crate: str
    version: str
    about: str


class _OwnersBody(Struct, frozen=True):
    users: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


async def _done(change: Future[T]) -> T:
    """Wait for a change; a client that leaves meanwhile stops nothing."""
    return await asyncio.shield(asyncio.wrap_future(change))
