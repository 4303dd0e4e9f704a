"""The audit file: every change that was asked for, by the web and the command line, and nothing secret."""

import json
from pathlib import Path

from tests.cli.program import run
from tests.crates import crate
from tests.server.client import Client
from tests.server.serving import Served


def test_every_change_is_noted_with_who_and_from_where(alice: Client, bob: Client, endpoint: Served) -> None:
    alice.publish(crate("noted"), X_Forwarded_For="192.0.2.7, 127.0.0.1").ok()
    bob.yank("noted", "1.0.0").failed(403)
    alice.change_owners("PUT", "noted", "bob").ok()
    endpoint.run("yank", "noted@1.0.0").ok()
    found = [json.loads(line) for line in run("audit", "noted", "--json", cwd=endpoint.folder).ok().splitlines()]
    assert [(each["user"], each["action"], each["version"]) for each in found[:3]] == [
        ("alice", "publish", "1.0.0"),
        ("bob", "yank", "1.0.0"),
        ("alice", "add owners", ""),
    ]
    assert found[0]["client"] == "192.0.2.7"
    assert found[0]["about"] == f"sha256 {crate('noted').cksum()}"
    assert "noted is owned by alice" in found[1]["outcome"]
    assert (found[3]["action"], found[3]["client"], found[3]["outcome"]) == ("yank", "command line", "done")
    shown = run("audit", "noted", "--user", "alice", cwd=endpoint.folder).ok()
    assert "from 192.0.2.7: publish noted@1.0.0" in shown
    endpoint.run("remove", "noted@1.0.0", "--yes").ok()
    assert "from command line: remove noted@1.0.0: done" in run("audit", "noted", cwd=endpoint.folder).ok()
    kept = "".join(path.read_text() for path in (endpoint.private / "audit").iterdir())
    assert all(token.rpartition("_")[2] not in kept for token in endpoint.tokens.values())


def test_tokens_that_come_and_go_are_noted(tmp_path: Path) -> None:
    served = Served(tmp_path)
    first = served.token().split("_")[1]
    second = run("token", "rotate", first, cwd=tmp_path).ok().strip()
    run("token", "revoke", first, cwd=tmp_path).ok()
    shown = [line.partition(" from command line: ")[2] for line in run("audit", cwd=tmp_path).ok().splitlines()]
    assert shown == [
        f"create token {first} for alice: done",
        f"rotate token {first} to {second.split('_')[1]}: done",
        f"revoke token {first}: done",
    ]
    assert second.split("_")[2] not in "".join(path.read_text() for path in (tmp_path / "private/audit").iterdir())
