"""Each error that leaves a route is an answer with a status of its own, in the shape that cargo reads."""

import asyncio
import errno
import json
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from cargo_static_index.diagnostics.errors import CargoStaticIndexError, InvalidInput, NotHeld, StoreError
from cargo_static_index.diagnostics.problems import problem
from cargo_static_index.server.answers import HANDLERS, RequestRefused, crate_of, read_body, sentence


def asked(route: Any, *parts: bytes, path: str = "/foo") -> tuple[int, bytes]:
    """Ask for a path with a body that comes in parts, and give status and content of the answer."""
    app = Starlette(routes=[Route("/{name}", route, methods=["PUT"])], exception_handlers=HANDLERS)
    sent: list[MutableMapping[str, Any]] = []
    bodies = iter(parts or (b"",))
    left = len(parts or (b"",))

    async def receive() -> MutableMapping[str, Any]:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": next(bodies), "more_body": left > 0}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "PUT", "path": path, "headers": [], "query_string": b"", "root_path": ""}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def full_disk() -> StoreError:
    error = StoreError("the disk failed")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    return error


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (RequestRefused(HTTPStatus.CONFLICT, "one", "two"), 409, ["one", "two"]),
        (HTTPException(405, "not so"), 405, ["not so"]),
        (NotHeld("crate `foo` does not exist"), 404, ["crate `foo` does not exist"]),
        (InvalidInput("not a version"), 400, ["not a version"]),
        (StoreError("the disk failed"), 503, ["the disk failed"]),
        (full_disk(), 507, ["the disk failed"]),
        (CargoStaticIndexError("something else"), 500, ["something else"]),
        (OSError(errno.EDQUOT, "full"), 507, ["the disk of this registry is full; nothing was published"]),
    ],
)
def test_an_error_is_answered_with_its_status_and_what_it_says(error: Exception, status: int, says: list[str]) -> None:
    async def route(_: Request) -> Response:
        raise error

    got, content = asked(route)
    assert (got, [each["detail"] for each in json.loads(content)["errors"]]) == (status, says)


def test_who_left_in_the_middle_is_told_nothing_and_a_fault_of_ours_is_no_answer() -> None:
    async def left(_: Request) -> Response:
        raise ClientDisconnect

    async def broken(_: Request) -> Response:
        raise OSError(errno.EIO, "Input/output error")

    assert asked(left) == (400, b"")
    with pytest.raises(OSError, match="Input/output error"):
        asked(broken)


def test_a_body_is_read_up_to_its_limit_and_no_further() -> None:
    async def route(request: Request) -> Response:
        return Response(await read_body(request, 4))

    assert asked(route, b"ab", b"cd") == (200, b"abcd")
    status, content = asked(route, b"ab", b"cde")
    assert (status, b"the body has more than 4 bytes" in content) == (413, True)


def test_what_is_no_name_is_no_crates() -> None:
    async def route(request: Request) -> Response:
        return Response(crate_of(request))

    assert asked(route) == (200, b"foo")
    status, content = asked(route, path="/a\x1bb")
    assert (status, json.loads(content)["errors"][0]["detail"]) == (404, "crate `a\\x1bb` does not exist")


def test_a_problem_is_a_sentence_with_its_rule_and_its_place_unless_that_is_said() -> None:
    found = problem("name-collision", "it is there", place="Cargo.toml")
    assert sentence(found).startswith("[name-collision] Cargo.toml: it is there ")
    assert sentence(problem("name-collision", "Cargo.toml is", place="Cargo.toml")).startswith(
        "[name-collision] Cargo.toml is "
    )
