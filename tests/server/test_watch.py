"""The endpoint and the watcher in one process, on one tree."""

from pathlib import Path

from tests.cli.program import run
from tests.crates import crate
from tests.server.client import Client
from tests.server.serving import Served, until


def test_what_is_dropped_and_what_cargo_publishes_stand_in_one_tree(tmp_path: Path) -> None:
    served = Served(tmp_path)
    (tmp_path / "drop").mkdir()
    token = served.token()
    with served.running("--publish", "--watch"):
        client = Client(served.url, token)
        crate("dropped").write(tmp_path / "drop")
        client.publish(crate("sent")).ok()
        until(lambda: client.ask("GET", "/index/dr/op/dropped").status == 200)
        client.publish(crate("sent", "1.0.1")).ok()
        assert len(client.line("se/nt/sent")) == 2


def test_a_watcher_that_cannot_go_on_ends_the_serving(tmp_path: Path) -> None:
    Served(tmp_path)
    for folder in ("drop", "elsewhere"):
        (tmp_path / folder).mkdir()
    run("build", cwd=tmp_path).ok()
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")
    ended = run("serve", "--watch", "--state", "state", cwd=tmp_path)
    ended.failed(2, "is a link, which may come to lead elsewhere")
