"""The OpenAPI description, and that the endpoint keeps to it."""

import json
from pathlib import Path
from typing import Any

from cargo_static_index.server.openapi import OPERATIONS, describe
from tests.server.client import Client
from tests.server.described import ask
from tests.server.serving import Served


def test_schemathesis_finds_nothing_against_the_description(tmp_path: Path) -> None:
    code, said = ask(tmp_path, examples=2, private=False)
    assert code == 0, said
    assert " generated" in said


def test_what_is_described_is_what_is_served(alice: Client, endpoint: Served) -> None:
    found = alice.ask("GET", "/api/v1/openapi.json").ok().json()
    assert found["servers"] == [{"url": endpoint.url.rstrip("/")}]
    for path, operations in found["paths"].items():
        asked = path.replace("{name}", "absent").replace("{vers}", "1.0.0")
        allowed = set(alice.ask("COPY", asked).failed(405).headers["Allow"].split(", "))
        described = {method.upper() for method in operations}
        assert described <= allowed | {"GET"}, path
        assert allowed <= described | {"HEAD"}, path
    alice.ask("GET", "/api/v1/nothing").failed(404, "there is nothing at /api/v1/nothing: see /api/v1/openapi.json")


def test_without_publishing_only_what_reads_is_described(tmp_path: Path) -> None:
    served = Served(tmp_path)
    with served.running("--publish"):
        pass
    with served.running():
        paths = served.client().ask("GET", "/api/v1/openapi.json").ok().json()["paths"]
    assert {method for operations in paths.values() for method in operations} == {"get"}
    assert "/api/v1/crates/{name}/owners" not in paths


def test_where_reading_needs_a_token_all_but_what_is_open_is_described_so() -> None:
    shown: dict[str, Any] = describe("https://crates.example.com/", publishes=True, auth_required=True)
    assert shown["servers"] == [{"url": "https://crates.example.com"}]
    unasked = {
        (operation.method, operation.path)
        for operation in OPERATIONS
        if not shown["paths"][operation.path][operation.method]["security"]
    }
    assert unasked == {(each.method, each.path) for each in OPERATIONS if each.is_open}
    bare = describe("https://crates.example.com/", publishes=True, auth_required=False)
    assert json.dumps(bare).count('"401"') < json.dumps(shown).count('"401"')
