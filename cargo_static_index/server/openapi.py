"""The OpenAPI description of the web API, served at `/api/v1/openapi.json`: made from what the routes answer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from cargo_static_index._version import __version__
from cargo_static_index.server import documents

PATH: Final = "/api/v1/openapi.json"

_REASONS: Final = {
    302: "What was asked for is elsewhere.",
    400: "The request cannot be read, or a rule refuses it.",
    401: "There is no token, or none that is known here.",
    403: "The token is not good for this.",
    404: "There is no such crate or version.",
    405: "This address takes other methods.",
    408: "The request did not come whole in time.",
    409: "Another release is in the way.",
    413: "The request is too large.",
    429: "The token asked for more changes than it may in a minute.",
    503: "The tree cannot be read or changed just now.",
    507: "The disk is full.",
}
"""What statuses say, beside 200."""

_TEXT: Final = {"type": "string"}
_NAME: Final = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$"}
_PARAMETERS: Final[Mapping[str, Mapping[str, object]]] = {
    "name": {"in": "path", "required": True, "schema": _NAME},
    "vers": {"in": "path", "required": True, "schema": _TEXT},
    "q": {"in": "query", "description": "What to search for.", "schema": _TEXT},
    "per_page": {"in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}},
    "page": {"in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 1}},
}


class Operation(Struct, frozen=True, kw_only=True):
    """One operation; `answers` is what a 200 holds, `fails` the statuses of failures beside 401, 403, 405 and 503.

    Those that change something with a token may fail with 429, too. `publishes` says that it is there with `--publish`
    alone, `needs_token` that it needs one also where reading needs none, `is_open` that it needs none ever.
    `parameters` are of the query. `body` is what a request holds: a document's type, or the bytes of a publish.
    """

    path: str
    method: str
    says: str
    answers: type[Struct] | None
    fails: Sequence[int] = ()
    publishes: bool = False
    needs_token: bool = False
    is_open: bool = False
    parameters: Sequence[str] = ()
    body: type | None = None


_CRATE: Final = "/api/v1/crates/{name}"
_VERSION: Final = f"{_CRATE}/{{vers}}"

OPERATIONS: Final = (
    Operation(
        path="/api/v1/crates/new",
        method="put",
        says="Publish a release: answered once its line can be read. The body is cargo's: the length of the metadata "
        "(32 bits, little-endian), the metadata (JSON with `name` and `vers`), the length of the archive, the archive.",
        answers=documents.PublishDocument,
        fails=(400, 408, 409, 413, 507),
        publishes=True,
        needs_token=True,
        body=bytes,
    ),
    Operation(
        path=f"{_VERSION}/yank",
        method="delete",
        says="Let a release be chosen no more.",
        answers=documents.Done,
        fails=(404, 507),
        publishes=True,
        needs_token=True,
    ),
    Operation(
        path=f"{_VERSION}/unyank",
        method="put",
        says="Let a release be chosen again.",
        answers=documents.Done,
        fails=(404, 507),
        publishes=True,
        needs_token=True,
    ),
    Operation(
        path=f"{_CRATE}/owners",
        method="get",
        says="List who owns a crate.",
        answers=documents.OwnersDocument,
        fails=(404,),
        publishes=True,
    ),
    Operation(
        path=f"{_CRATE}/owners",
        method="put",
        says="Make users and teams owners of a crate.",
        answers=documents.OwnersChanged,
        fails=(400, 404, 413, 507),
        publishes=True,
        needs_token=True,
        body=documents.OwnersAsked,
    ),
    Operation(
        path=f"{_CRATE}/owners",
        method="delete",
        says="Let users and teams be owners of a crate no more; the last one stays.",
        answers=documents.OwnersChanged,
        fails=(400, 404, 413, 507),
        publishes=True,
        needs_token=True,
        body=documents.OwnersAsked,
    ),
    Operation(
        path="/api/v1/crates",
        method="get",
        says="Find crates, a page at a time.",
        answers=documents.FoundCrates,
        fails=(400,),
        parameters=("q", "per_page", "page"),
    ),
    Operation(
        path=_CRATE,
        method="patch",
        says="Have new versions of a crate come by trusted publishing alone, or by any token again.",
        answers=documents.PublishingChanged,
        fails=(400, 404, 413, 507),
        publishes=True,
        needs_token=True,
        body=documents.PublishingAsked,
    ),
    Operation(
        path="/api/v1/trusted_publishing/tokens",
        method="post",
        says="Exchange what a CI has signed for a job for a token of 30 minutes.",
        answers=documents.TrustedToken,
        fails=(400, 413, 507),
        publishes=True,
        is_open=True,
        body=documents.JobToken,
    ),
    Operation(
        path="/api/v1/trusted_publishing/tokens",
        method="delete",
        says="End a token of trusted publishing; once more ends well too.",
        answers=None,
        fails=(507,),
        publishes=True,
        needs_token=True,
    ),
    Operation(path=_CRATE, method="get", says="Tell of a crate.", answers=documents.CrateAndVersions, fails=(404,)),
    Operation(
        path=f"{_CRATE}/versions",
        method="get",
        says="List the versions of a crate.",
        answers=documents.Versions,
        fails=(404,),
    ),
    Operation(
        path=f"{_CRATE}/reverse_dependencies",
        method="get",
        says="List the crates whose newest version depends on a crate.",
        answers=documents.Dependents,
        fails=(404,),
    ),
    Operation(path=_VERSION, method="get", says="Tell of a version.", answers=documents.OneVersion, fails=(404,)),
    Operation(
        path=f"{_VERSION}/dependencies",
        method="get",
        says="List what a version depends on.",
        answers=documents.Dependencies,
        fails=(404,),
    ),
    Operation(
        path=f"{_VERSION}/readme",
        method="get",
        says="Lead to the page that shows the README; with `Accept: application/json`, say where it is.",
        answers=documents.Location,
        fails=(302, 404),
    ),
    Operation(
        path=f"{_VERSION}/download",
        method="get",
        says="Lead to the archive; with `Accept: application/json`, say where it is.",
        answers=documents.Location,
        fails=(302, 404),
    ),
    Operation(
        path="/api/v1/auth",
        method="get",
        says="Say to a web server in front whether a request has a token that may read: 204 or 401.",
        answers=None,
        needs_token=True,
    ),
)


def describe(base_url: str, *, publishes: bool, auth_required: bool) -> dict[str, object]:
    """Give the description of the API as it is served at a base URL."""
    served = [operation for operation in OPERATIONS if publishes or not operation.publishes]
    paths: dict[str, dict[str, object]] = {}
    for operation in served:
        shown = _operation(operation, needs_token=operation.needs_token or (auth_required and not operation.is_open))
        paths.setdefault(operation.path, {})[operation.method] = shown
    return {
        "openapi": "3.1.0",
        "info": {"title": "Web API of a Cargo registry", "version": __version__},
        "servers": [{"url": base_url.rstrip("/")}],
        "paths": paths,
        "components": {
            "schemas": _schemas(served),
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "As cargo sends it; `Bearer`, and `Basic` with the token as password, do as well.",
                }
            },
        },
    }


def _operation(operation: Operation, *, needs_token: bool) -> dict[str, object]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    shown: dict[str, object] = {
        "summary": operation.says,
        "operationId": f"{operation.method} {operation.path}",
        "parameters": [{"name": name, **_PARAMETERS[name]} for name in (*names, *operation.parameters)],
        "responses": _responses(operation, needs_token=needs_token),
        "security": [{"token": []}] if needs_token else [],
    }
    if operation.body is bytes:
        shown["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
    elif operation.body is not None:
        shown["requestBody"] = {"required": True, "content": _json(operation.body)}
    return shown


def _responses(operation: Operation, *, needs_token: bool) -> dict[str, object]:
    good = {"200": {"description": operation.says, "content": _json(operation.answers)}} if operation.answers else {}
    changes = operation.needs_token and operation.method != "get"
    failures = {*operation.fails, 405, 503, *((401, 403) if needs_token else ()), *((429,) if changes else ())}
    return {
        **(good or {"204": {"description": operation.says}}),
        **{
            str(status): {
                "description": _REASONS[status],
                **({} if status == 302 else {"content": _json(documents.WebFailure)}),
            }
            for status in sorted(failures)
        },
    }


def _json(document: type) -> dict[str, object]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{document.__name__}"}}}


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    named = [document for operation in operations for document in (operation.answers, operation.body)]
    used = {document.__name__: document for document in (documents.WebFailure, *named) if document not in {None, bytes}}
    return msgspec.json.schema_components(used.values(), ref_template="#/components/schemas/{name}")[1]
