"""The private place: a folder, or a bucket that is not the tree's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cargo_static_index.server.private import PrivateBucket, PrivateFolder, PrivatePlace
from cargo_static_index.store.memory import MemoryStore
from tests.buckets import Buckets, moto
from tests.cli.program import run
from tests.crates import crate
from tests.server.client import Client
from tests.server.serving import Served


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> PrivatePlace:
    return PrivateFolder(tmp_path / "private") if request.param == "folder" else PrivateBucket("here", MemoryStore())


def test_no_change_is_lost_where_many_change_a_file_at_once(place: PrivatePlace) -> None:
    assert place.read("numbers") is None

    def add(number: int) -> None:
        place.change("numbers", lambda before: (before or b"") + b"%d\n" % number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(40)))
    assert sorted(map(int, (place.read("numbers") or b"").split())) == list(range(40))


def test_lines_stand_as_they_came_log_after_log(place: PrivatePlace) -> None:
    place.append("audit/2026-02", "one moment", b"9")
    for number in range(1, 9):
        place.append("audit/2026-01", "one moment", b"%d" % number)
    assert b"".join(place.lines("audit")).split() == [b"%d" % n for n in range(1, 10)]
    assert list(place.lines("other")) == []


@pytest.fixture(scope="module")
def buckets() -> Iterator[Buckets]:
    with moto() as server:
        yield server


def test_tokens_and_audit_lie_in_a_bucket_of_their_own(buckets: Buckets, tmp_path: Path) -> None:
    private, env = str(buckets.make()), dict(buckets.environment)
    served = Served(tmp_path, f'[publish]\nprivate = "{private}"\n')
    token = run("token", "create", "--user", "alice", cwd=tmp_path, env=env).ok().strip()
    with served.running("--publish", env=env):
        client = Client(served.url, token)
        client.publish(crate("kept")).ok()
        Client(served.url, token[:-1] + "x").publish(crate("kept", "2.0.0")).failed(401)
    run("yank", "kept@1.0.0", cwd=tmp_path, env=env).ok()
    shown = run("audit", cwd=tmp_path, env=env).ok().splitlines()
    assert [line.split(": ")[1] for line in shown] == [
        f"create token {token.split('_')[1]} for alice",
        shown[1].split(": ")[1],
        "yank kept@1.0.0",
    ]
    assert " alice (token " in shown[1]
    assert "publish kept@1.0.0" in shown[1]
    assert "used " in run("token", "list", cwd=tmp_path, env=env).ok()
    run("token", "revoke", token.split("_")[1], cwd=tmp_path, env=env).ok()
    assert run("token", "list", cwd=tmp_path, env=env).ok() == ""
    assert not (tmp_path / "private").exists()


def test_a_private_place_inside_the_tree_is_refused(tmp_path: Path) -> None:
    (tmp_path / "registry.toml").write_text(
        '[tree]\npath = "s3://acme/crates"\n[publish]\nprivate = "s3://acme/crates/p"\n'
    )
    run("token", "list", cwd=tmp_path).failed(2, "would be served to everyone; put it outside the tree")
