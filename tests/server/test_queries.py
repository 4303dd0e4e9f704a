"""Search, and what else is asked of crates, by a plain client."""

import pytest

from tests.crates import crate
from tests.server.client import Client
from tests.server.serving import Served


@pytest.mark.case(103)
def test_a_search_is_paged_and_says_how_many_there_are(alice: Client) -> None:
    for name in ("find-a", "find-b", "find-c"):
        alice.publish(crate(name).package(description=f"About {name}.")).ok()
    first = alice.ask("GET", "/api/v1/crates?q=find&per_page=2").ok().json()
    assert [(row["name"], row["max_version"], row["description"]) for row in first["crates"]] == [
        ("find-a", "1.0.0", "About find-a."),
        ("find-b", "1.0.0", "About find-b."),
    ]
    assert first["meta"]["total"] == 3
    second = alice.ask("GET", "/api/v1/crates?q=find&per_page=2&page=2").ok().json()
    assert [row["name"] for row in second["crates"]] == ["find-c"]
    alice.publish(crate("find-c", "1.1.0")).ok()
    assert alice.ask("GET", "/api/v1/crates?q=find-c").ok().json()["crates"][0]["max_version"] == "1.1.0"
    for wrong in ("per_page=0", "per_page=101", "page=x"):
        alice.ask("GET", f"/api/v1/crates?q=find&{wrong}").failed(400, "is a whole number from 1 to")


def test_crates_are_told_of_in_the_shapes_of_crates_io(alice: Client, endpoint: Served) -> None:
    index = f"sparse+{endpoint.url}index/"
    alice.publish(crate("needed")).ok()
    alice.publish(crate("told").package(keywords=["k"], rust_version="1.60")).ok()
    newer = crate("told", "1.1.0").dependency("needed", "^1", registry_index=index)
    alice.publish(newer).ok()
    alice.yank("told", "1.0.0").ok()
    found = alice.ask("GET", "/api/v1/crates/told").ok().json()
    assert (found["crate"]["name"], found["crate"]["max_version"]) == ("told", "1.1.0")
    assert [(each["num"], each["yanked"]) for each in found["versions"]] == [("1.1.0", False), ("1.0.0", True)]
    assert alice.ask("GET", "/api/v1/crates/told/versions").ok().json()["versions"] == found["versions"]
    one = alice.ask("GET", "/api/v1/crates/told/1.1.0").ok().json()["version"]
    assert (one["checksum"], one["crate_size"]) == (newer.cksum(), len(newer.build()))
    (need,) = alice.ask("GET", "/api/v1/crates/told/1.1.0/dependencies").ok().json()["dependencies"]
    assert (need["crate_id"], need["req"], need["kind"]) == ("needed", "^1", "normal")
    back = alice.ask("GET", "/api/v1/crates/needed/reverse_dependencies").ok().json()
    assert (back["versions"], back["meta"]) == ([{"crate": "told", "num": "1.1.0"}], {"total": 1})
    download = alice.ask("GET", "/api/v1/crates/told/1.1.0/download")
    assert (download.status, download.headers["Location"]) == (302, f"{endpoint.url}crates/told/{newer.cksum()}.crate")
    url = alice.ask("GET", "/api/v1/crates/told/1.1.0/readme", Accept="application/json").ok().json()["url"]
    assert url == f"{endpoint.url}crates/told/1.1.0/"
    alice.ask("GET", "/api/v1/crates/nothing").failed(404, "crate `nothing` does not exist")
    alice.ask("GET", "/api/v1/crates/told/9.9.9").failed(404, "crate `told` does not have a version `9.9.9`")
