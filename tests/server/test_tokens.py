"""Tokens from their making to their end: by the commands, in files, and before the endpoint."""

import json
import stat
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.server.private import PrivateFolder
from cargo_static_index.server.tokens import (
    Token,
    TokenFile,
    TokenFiles,
    format_tokens,
    given_token,
    hash_of,
    parse_tokens,
    utc_time,
)
from cargo_static_index.settings.trusted import SCOPES
from tests.cli.program import run
from tests.crates import crate
from tests.server.client import Client
from tests.server.serving import Served


def test_a_token_is_shown_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    made = run("token", "create", "--user", "alice", cwd=tmp_path)
    text = made.ok().strip()
    assert text.startswith("csi_")
    assert len(text) > 64
    kept = (tmp_path / "private/tokens.toml").read_text()
    assert hash_of(text) in kept
    assert text not in kept + made.err
    assert text.rpartition("_")[2] not in kept + made.err
    modes = [stat.S_IMODE((tmp_path / path).stat().st_mode) for path in ("private", "private/tokens.toml")]
    assert modes == [0o700, 0o600]


def test_the_list_says_whose_tokens_are_what_for_and_until_when(tmp_path: Path) -> None:
    env = {"SOURCE_DATE_EPOCH": "1767225600"}
    rights = ("--scope", "publish-new,yank", "--crates", "a-*,b", "--team", "tools", "--expires", "30d")
    run("token", "create", "--user", "ci", *rights, cwd=tmp_path, env=env).ok()
    run("token", "create", "--user", "bob", "--expires", "never", cwd=tmp_path, env=env).ok()
    first, second = map(json.loads, run("token", "list", "--json", cwd=tmp_path).ok().splitlines())
    assert (first["user"], first["team"], first["scopes"]) == ("ci", "tools", ["publish-new", "yank"])
    assert (first["crates"], first["created"]) == (["a-*", "b"], "2026-01-01T00:00:00Z")
    assert (first["expires"], first["used"]) == ("2026-01-31T00:00:00Z", None)
    assert (second["scopes"], second["expires"]) == (list(SCOPES), None)
    shown = run("token", "list", cwd=tmp_path).ok().splitlines()
    assert "bob; publish-new,publish-update,yank,owners,read; all crates; for ever; never used" in shown[1]


def test_a_revoked_token_is_unknown_at_once_and_a_rotated_one_goes_on_for_a_while(endpoint: Served) -> None:
    client = Client(endpoint.url, endpoint.token("alice"))
    client.publish(crate("revoking")).ok()
    token_id = ids(endpoint)[-1]
    new = Client(endpoint.url, endpoint.run("token", "rotate", token_id, "--overlap", "1h").ok().strip())
    new.publish(crate("revoking", "1.0.1")).ok()
    warned = client.publish(crate("revoking", "1.0.2")).ok().warnings()
    assert f"your token {token_id} ends on " in warned[0]
    endpoint.run("token", "revoke", token_id).ok()
    client.publish(crate("revoking", "1.0.3")).failed(401, "this token is not known here")
    new.publish(crate("revoking", "1.0.3")).ok()
    endpoint.run("token", "revoke", token_id).failed(2, f"there is no token {token_id!r}")


def test_a_token_that_has_ended_is_401_and_says_so(endpoint: Served) -> None:
    client = Client(endpoint.url, endpoint.token("alice", "--expires", "0s"))
    client.publish(crate("late")).failed(401, "this token ended on ")


def test_the_last_use_is_kept(endpoint: Served) -> None:
    client = Client(endpoint.url, endpoint.token("alice"))
    client.publish(crate("used")).ok()
    found = [json.loads(line) for line in endpoint.run("token", "list", "--json").ok().splitlines()]
    assert any(token["used"] for token in found)


def ids(endpoint: Served) -> list[str]:
    return [json.loads(line)["id"] for line in endpoint.run("token", "list", "--json").ok().splitlines()]


def test_a_file_of_tokens_is_read_again_when_it_changes(tmp_path: Path) -> None:
    served = Served(tmp_path)
    secret = "0123456789abcdef" * 4
    mounted = tmp_path / "mounted.toml"
    entry = run("token", "hash", "--user", "ci", cwd=tmp_path, stdin=secret).ok()
    with served.running("--publish", "--tokens-file", "mounted.toml"):
        client = Client(served.url, secret)
        client.publish(crate("foo")).failed(401)
        mounted.write_text(entry)
        client.publish(crate("foo")).ok()
        mounted.write_text("[[tokn]]\n")
        client.publish(crate("foo")).failed(500, "mounted.toml: this is no file of tokens")
        mounted.unlink()
        client.publish(crate("foo")).failed(401)


def test_a_new_token_is_made_where_none_is_given_and_short_ones_are_refused(tmp_path: Path) -> None:
    made = run("token", "hash", "--user", "ci", cwd=tmp_path, stdin="")
    text = made.err.split()[-1]
    (token,) = parse_tokens(made.ok().encode(), "here")
    assert token.hash == hash_of(text)
    run("token", "hash", "--user", "ci", cwd=tmp_path, stdin="short").failed(2, "a token is one word of at least 32")


def test_what_is_written_is_read_again() -> None:
    tokens = (
        Token(id="1", user="alice", hash="sha256:0"),
        Token(
            id="2",
            user="b",
            hash="x",
            scopes=("read",),
            crates=('a"*',),
            team="t",
            created=utc_time(0),
            expires=utc_time(9),
        ),
    )
    assert parse_tokens(format_tokens(tokens).encode(), "here") == tokens


@pytest.mark.parametrize(
    "text", ["token = 1", "[[token]]", '[[token]]\nid = "1"\nuser = "a"\nhash = "x"\nscope = []', "["]
)
def test_what_is_no_file_of_tokens_says_where(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^here: this is no file of tokens"):
        parse_tokens(text.encode(), "here")


def test_a_time_without_an_offset_is_utc() -> None:
    head = '[[token]]\nid = "1"\nuser = "a"\nhash = "x"\n'
    plain, offset = (parse_tokens(f"{head}expires = 2026-01-01T00:00:00{end}".encode(), "here")[0] for end in ("", "Z"))
    assert plain == offset


def test_files_that_are_not_there_have_no_tokens(tmp_path: Path) -> None:
    files = TokenFiles(TokenFile(PrivateFolder(tmp_path), name) for name in ("one", "two"))
    assert (files.find("csi_0_0"), files.all()) == (None, [])


@pytest.mark.parametrize(
    ("authorization", "token"),
    [
        ("csi_1", "csi_1"),
        (" csi_1 ", "csi_1"),
        ("Bearer csi_1", "csi_1"),
        ("bEaReR  csi_1", "csi_1"),
        ("Token csi_1", "csi_1"),
        ("Basic YW55Ym9keTpjc2lfMQ==", "csi_1"),
        ("basic OmNzaV8x", "csi_1"),
        ("Basic ?", ""),
        ("Basic", ""),
        ("Bearer", ""),
        ("", ""),
    ],
)
def test_a_token_is_found_in_its_header(authorization: str, token: str) -> None:
    assert given_token(authorization) == token


def test_a_token_may_ask_for_so_many_changes_in_a_minute_and_others_for_theirs(tmp_path: Path) -> None:
    served = Served(tmp_path, "[publish]\nchanges-per-minute = 2\n")
    tokens = [served.token("alice"), served.token("alice")]
    first, other = (Client(served.url, token) for token in tokens)
    with served.running("--publish", env={"SOURCE_DATE_EPOCH": "1767225600"}):  # the clock stands still
        first.publish(crate("limited")).ok()
        first.yank("absent", "1.0.0").failed(404)
        refused = first.publish(crate("limited", "3.0.0")).failed(429, "asked for 2 changes within a minute")
        assert refused.headers["Retry-After"] == "60"
        other.publish(crate("limited", "3.0.0")).ok()
        assert [line["vers"] for line in first.line("li/mi/limited")] == ["1.0.0", "3.0.0"]
