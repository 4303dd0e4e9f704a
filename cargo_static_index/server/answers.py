"""What the web API answers: JSON, and failures as `{"errors": [{"detail": …}]}`, whose sentences cargo prints.

Cargo's book: "Registry Web API". Nothing of it is to be stored by anybody on the way.
"""

import errno
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from cargo_static_index.diagnostics.errors import CargoStaticIndexError, InvalidInput, NotHeld, StoreError
from cargo_static_index.diagnostics.escape import escape
from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.protocol.names import is_crate_name
from cargo_static_index.server.documents import FailureDetail, WebFailure
from cargo_static_index.server.files import NO_STORE
from cargo_static_index.server.upload import InvalidUpload
from cargo_static_index.server.writer import Forbidden

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class RequestRefused(Exception):
    """A request that is answered with a failure: a status, and sentences."""

    def __init__(self, status: int, *details: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(*details)
        self.status = status
        self.details = details
        self.headers = headers


def json_answer(
    document: Struct | Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON."""
    shown = {"Cache-Control": NO_STORE, **(headers or {})}
    return Response(msgspec.json.encode(document), status, shown, "application/json")


def answer_failure(status: int, *details: str, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a failure."""
    return json_answer(WebFailure(tuple(map(FailureDetail, details))), status, headers)


def crate_of(request: Request) -> str:
    """Give the name of a crate in an address, or raise NotHeld: what is no name is no crate's."""
    name: str = request.path_params["name"]
    if not is_crate_name(name):
        raise NotHeld(f"crate `{escape(name)}` does not exist")
    return name


def sentence(problem: Problem) -> str:
    """Write a problem as cargo prints it: the rule, where, what, the way out."""
    place = f"{problem.place}: " if problem.place and problem.place not in problem.message else ""
    return f"[{problem.rule}] {place}{problem.message} {problem.way_out}".rstrip()


async def read_body(request: Request, most: int) -> bytes:
    """Read a body of at most so many bytes, or raise RequestRefused."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {most} bytes")
    return bytes(body)


async def _answer(_: Request, error: Exception) -> Response:
    match error:
        case RequestRefused():
            return answer_failure(error.status, *error.details, headers=error.headers)
        case InvalidUpload():
            return answer_failure(error.status, str(error))
        case HTTPException():
            return answer_failure(error.status_code, error.detail, headers=error.headers)
        case CargoStaticIndexError():
            return answer_failure(_status_of(error), str(error))
        case ClientDisconnect():  # in the middle of its body
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        case OSError() if _is_full(error):
            says = "the disk of this registry is full; nothing was published"
            return answer_failure(HTTPStatus.INSUFFICIENT_STORAGE, says)
    raise error


def _status_of(error: CargoStaticIndexError) -> int:
    match error:
        case Forbidden():
            return HTTPStatus.FORBIDDEN
        case NotHeld():
            return HTTPStatus.NOT_FOUND
        case InvalidInput():
            return HTTPStatus.BAD_REQUEST
        case StoreError():
            return HTTPStatus.INSUFFICIENT_STORAGE if _is_full(error) else HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR


def _is_full(error: BaseException | None) -> bool:
    """Whether a disk was full at the bottom of an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__
    return False


HANDLERS: Final[Mapping[Any, Any]] = dict.fromkeys(
    (RequestRefused, InvalidUpload, HTTPException, CargoStaticIndexError, OSError, ClientDisconnect), _answer
)
"""What answers the errors that leave a route."""
