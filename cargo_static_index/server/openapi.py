"""The OpenAPI description of the web API, served at `/api/v1/openapi.json`: made from what the routes answer."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
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


class Operation(Struct, frozen=True):
    """One operation; `answers` is what a 200 holds, `fails` the statuses of failures beside 401, 403, 405 and 503.

    Those that change something with a token may fail with 429, too. `publishes` says that it is there with `--publish`
    alone, `needs_token` that it needs one also where reading needs none, `is_open` that it needs none ever.
    `parameters` are of the query. `body` is what a request holds: a document's type, or the bytes of a publish.
    """

    method: str
    path: str
    says: str
    answers: type[Struct] | None
    fails: Sequence[int] = (404,)
    publishes: bool = False
    needs_token: bool = False
    is_open: bool = False
    parameters: Sequence[str] = ()
    body: type | None = None


_CRATE: Final = "/api/v1/crates/{name}"
_VERSION: Final = f"{_CRATE}/{{vers}}"

_change = partial(Operation, publishes=True, needs_token=True)
_get = partial(Operation, "get")

OPERATIONS: Final = (
    _change(
        "put",
        "/api/v1/crates/new",
        "Publish a release: answered once its line can be read. The body is cargo's: the length of the metadata "
        "(32 bits, little-endian), the metadata (JSON with `name` and `vers`), the length of the archive, the archive.",
        documents.PublishDocument,
        (400, 408, 409, 413, 507),
        body=bytes,
    ),
    _change("delete", f"{_VERSION}/yank", "Let a release be chosen no more.", documents.Done, (404, 507)),
    _change("put", f"{_VERSION}/unyank", "Let a release be chosen again.", documents.Done, (404, 507)),
    _get(f"{_CRATE}/owners", "List who owns a crate.", documents.OwnersDocument, publishes=True),
    _change(
        "put",
        f"{_CRATE}/owners",
        "Make users and teams owners of a crate.",
        documents.OwnersChanged,
        (400, 404, 413, 507),
        body=documents.OwnersAsked,
    ),
    _change(
        "delete",
        f"{_CRATE}/owners",
        "Let users and teams be owners of a crate no more; the last one stays.",
        documents.OwnersChanged,
        (400, 404, 413, 507),
        body=documents.OwnersAsked,
    ),
    _get(
        "/api/v1/crates",
        "Find crates, a page at a time.",
        documents.FoundCrates,
        (400,),
        parameters=("q", "per_page", "page"),
    ),
    _change(
        "patch",
        _CRATE,
        "Have new versions of a crate come by trusted publishing alone, or by any token again.",
        documents.PublishingChanged,
        (400, 404, 413, 507),
        body=documents.PublishingAsked,
    ),
    Operation(
        "post",
        "/api/v1/trusted_publishing/tokens",
        "Exchange what a CI has signed for a job for a token of 30 minutes.",
        documents.TrustedToken,
        (400, 413, 507),
        publishes=True,
        is_open=True,
        body=documents.JobToken,
    ),
    _change(
        "delete",
        "/api/v1/trusted_publishing/tokens",
        "End a token of trusted publishing; once more ends well too.",
        None,
        (507,),
    ),
    _get(_CRATE, "Tell of a crate.", documents.CrateAndVersions),
    _get(f"{_CRATE}/versions", "List the versions of a crate.", documents.Versions),
    _get(
        f"{_CRATE}/reverse_dependencies",
        "List the crates whose newest version depends on a crate.",
        documents.Dependents,
    ),
    _get(_VERSION, "Tell of a version.", documents.OneVersion),
    _get(f"{_VERSION}/dependencies", "List what a version depends on.", documents.Dependencies),
    _get(
        f"{_VERSION}/readme",
        "Lead to the page that shows the README; with `Accept: application/json`, say where it is.",
        documents.Location,
        (302, 404),
    ),
    _get(
        f"{_VERSION}/download",
        "Lead to the archive; with `Accept: application/json`, say where it is.",
        documents.Location,
        (302, 404),
    ),
    _get(
        "/api/v1/auth",
        "Say to a web server in front whether a request has a token that may read: 204 or 401.",
        None,
        (),
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
