"""`PUT /api/v1/crates/new`, by a plain client: what is answered, and what of it stands in the tree."""

import hashlib
from pathlib import Path

import pytest

from tests.crates import crate
from tests.server.client import Client, body_of, frame, metadata_of
from tests.server.serving import Served, until

NEW = "/api/v1/crates/new"


@pytest.mark.case(99)
def test_the_line_can_be_read_once_publishing_is_answered(alice: Client) -> None:
    foo = crate("at-once", "1.0.0")
    assert alice.publish(foo).ok().json() == {"warnings": {"invalid_categories": [], "invalid_badges": [], "other": []}}
    assert [(line["vers"], line["cksum"]) for line in alice.line("at/-o/at-once")] == [("1.0.0", foo.cksum())]
    archive = alice.ask("GET", f"/crates/at-once/{foo.cksum()}.crate").ok()
    assert (archive.content, archive.headers["Content-Type"]) == (foo.build(), "application/gzip")


def test_the_same_bytes_again_are_fine_and_a_warning_says_so(alice: Client) -> None:
    alice.publish(crate("again")).ok()
    before = alice.line("ag/ai/again")
    assert alice.publish(crate("again")).ok().warnings() == ["again 1.0.0 was published before, with the same bytes"]
    assert alice.line("ag/ai/again") == before


@pytest.mark.case(97)
def test_other_bytes_are_a_conflict_that_names_both_checksums(alice: Client) -> None:
    first, second = crate("taken"), crate("taken").file("README.md", "other bytes")
    alice.publish(first).ok()
    alice.publish(second).failed(409, "[release-conflict]", first.cksum(), second.cksum())


@pytest.mark.case(97)
def test_a_version_that_differs_only_in_build_metadata_is_a_conflict(alice: Client) -> None:
    alice.publish(crate("built", "1.0.0")).ok()
    alice.yank("built", "1.0.0").ok()
    alice.publish(crate("built", "1.0.0+b")).failed(409, "[build-metadata-conflict]", "1.0.0+b", "1.0.0")


def test_what_a_rule_refuses_is_told_with_all_its_problems(alice: Client) -> None:
    bad = crate("bad").package(publish=False).feature("wrong", ["nothing"])
    alice.publish(bad).failed(400, "[publish-excludes-us]", "`package.publish`", "nothing")
    assert alice.ask("GET", "/index/3/b/bad").status == 404


def test_a_warning_of_a_rule_is_passed_on(alice: Client) -> None:
    long = crate("warned").dependency("elsewhere", "*")
    found = alice.publish(long)
    assert found.status in {200, 400}
    dirty = crate("dirty").file(".cargo_vcs_info.json", '{"git":{"sha1":"0","dirty":true},"path_in_vcs":""}')
    assert "[vcs-dirty]" in alice.publish(dirty).ok().warnings()[0]


@pytest.mark.case(96)
def test_metadata_that_names_another_release_than_the_archive_is_refused(alice: Client) -> None:
    body = body_of(crate("inside"), name="outside")
    alice.ask("PUT", NEW, body).failed(400, "metadata name `outside` does not match manifest name `inside`")
    body = body_of(crate("inside"), vers="2.0.0")
    alice.ask("PUT", NEW, body).failed(400, "metadata version `2.0.0` does not match manifest version `1.0.0`")


def test_nothing_is_taken_from_the_metadata(alice: Client) -> None:
    archive = crate("honest").dependency("real")
    metadata = metadata_of("honest", "1.0.0", deps=[{"name": "", "version_req": "="}], features={"x": []}, links="z")
    alice.ask("PUT", NEW, frame(metadata, archive.build())).ok()
    (line,) = alice.line("ho/ne/honest")
    assert [each["name"] for each in line["deps"]] == ["real"]
    assert (line["features"], line.get("links")) == ({}, None)


@pytest.mark.case(95)
@pytest.mark.parametrize("headers", [{}, {"Content_Type": "application/octet-stream"}, {"Accept_Encoding": "gzip"}])
def test_a_content_type_is_not_needed(alice: Client, headers: dict[str, str]) -> None:
    alice.publish(crate(f"typed{len(str(headers))}"), **headers).ok()


@pytest.mark.case(95)
def test_a_chunked_body_is_taken(alice: Client, endpoint: Served) -> None:
    body = body_of(crate("chunked"))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:3], body[3:100], body[100:]))
    head = f"PUT {NEW} HTTP/1.1\r\nHost: x\r\nAuthorization: {endpoint.tokens['alice']}\r\nConnection: close\r\n"
    with alice.socket() as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks + b"0\r\n\r\n")
        assert connection.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
    assert len(alice.line("ch/un/chunked")) == 1


@pytest.mark.case(95)
def test_who_expects_100_is_told_to_go_on_and_who_is_refused_is_not(alice: Client, endpoint: Served) -> None:
    body = body_of(crate("expected"))
    head = f"PUT {NEW} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n"
    with alice.socket() as connection:
        answer = connection.makefile("rb")
        connection.sendall(f"{head}Authorization: {endpoint.tokens['alice']}\r\n\r\n".encode())
        assert answer.readline() == b"HTTP/1.1 100 Continue\r\n"
        answer.readline()
        connection.sendall(body)
        assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
    with alice.socket() as connection:
        connection.sendall(f"{head}\r\n".encode())
        assert connection.makefile("rb").readline() == b"HTTP/1.1 401 Unauthorized\r\n"


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(alice: Client, endpoint: Served) -> None:
    head = f"PUT {NEW} HTTP/1.1\r\nHost: x\r\nAuthorization: {endpoint.tokens['alice']}\r\n"
    with alice.socket() as connection:
        connection.sendall(f"{head}Content-Length: 5000000000\r\n\r\n".encode())
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 413 ")


@pytest.mark.case(94)
@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "the body ends before the archive begins"),
        (b"\x01", 400, "the body ends before the archive begins"),
        (frame(b"", b""), 400, "the metadata cannot be read"),
        (b"\xff\xff\xff\xff", 413, "the metadata has 4294967295 bytes; the most is 1048576"),
        (b"\x00\x00\x10\x00" + b"{", 400, "the lengths in the body make 1048584 bytes"),
        (frame(metadata_of("x", "1.0.0"), b"")[:-4] + b"\xff\xff\xff\xff", 413, "the archive has 4294967295 bytes"),
        (frame(metadata_of("x", "1.0.0"), b"abc") + b"d", 400, "the lengths in the body make"),
        (frame(metadata_of("x", "1.0.0"), b"abc")[:-1], 400, "the lengths in the body make"),
        (frame(metadata_of("x", "1.0.0"), b""), 400, "[file-empty]"),
        (frame(b"[" * 100_000, b""), 400, "the metadata cannot be read"),
        (frame(b'{"name":"x"}', b""), 400, "`vers`"),
        (frame(metadata_of("../x", "1.0.0"), b""), 400, "'../x'"),
        (frame(metadata_of("x", "../1"), b""), 400, "'../1'"),
        (frame(metadata_of("x", "1.0.0\x1b[2J"), b""), 400, "\\x1b"),
    ],
)
def test_a_malformed_body_is_an_error_and_the_next_request_is_served(
    alice: Client, body: bytes, status: int, sentence: str
) -> None:
    alice.ask("PUT", NEW, body).failed(status, sentence)
    assert alice.ask("GET", "/index/config.json").status == 200


@pytest.mark.case(100)
def test_what_is_hostile_in_an_error_is_escaped_and_json_holds_it(alice: Client) -> None:
    body = frame(metadata_of('q"uote\né', "1.0.0"), b"")
    assert "\\n" in alice.ask("PUT", NEW, body).failed(400).details()


@pytest.mark.case(98)
def test_no_token_or_an_unknown_one_is_401_and_bearer_and_basic_are_understood(endpoint: Served) -> None:
    stranger = endpoint.client()
    foo = crate("authenticated")
    challenge = stranger.publish(foo).failed(401, "this needs a token", "/me").headers["WWW-Authenticate"]
    assert challenge == f'Basic realm="{endpoint.url}", Cargo login_url="{endpoint.url}me"'
    for wrong in ("csi_0_0", "Bearer ", "Basic !", "Basic aGVsbG8=", "é".encode().decode("latin-1")):
        assert stranger.publish(foo, Authorization=wrong).status == 401, wrong
    for kind in ("{}", "Bearer {}", "bearer {}"):
        stranger.publish(foo, Authorization=kind.format(endpoint.tokens["alice"])).ok()


def test_a_client_that_leaves_once_its_body_is_complete_stops_nothing(alice: Client, endpoint: Served) -> None:
    body = body_of(crate("left"))
    head = f"PUT {NEW} HTTP/1.1\r\nHost: x\r\nAuthorization: {endpoint.tokens['alice']}\r\n"
    with alice.socket() as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    until(lambda: alice.ask("GET", "/index/le/ft/left").status == 200)


def test_what_was_removed_stays_removed(alice: Client, endpoint: Served) -> None:
    alice.publish(crate("gone")).ok()
    endpoint.run("remove", "gone@1.0.0", "--yes").ok()
    alice.publish(crate("gone")).failed(400, "[removed-release]")
    assert alice.owners("gone") == ["alice"]
    alice.publish(crate("gone", "1.0.1")).ok()


def test_nothing_is_left_of_what_was_refused(alice: Client, endpoint: Served, tmp_path: Path) -> None:
    alice.publish(crate("Colliding")).ok()
    alice.publish(crate("colliding")).failed(400, "[name-collision]")
    assert not (endpoint.tree / "crates/colliding").exists()


def test_a_checksum_is_that_of_the_bytes_that_were_sent(alice: Client) -> None:
    foo = crate("summed")
    alice.publish(foo).ok()
    assert alice.line("su/mm/summed")[0]["cksum"] == hashlib.sha256(foo.build()).hexdigest()
