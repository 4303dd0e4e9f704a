"""What the endpoint holds through, each in small: `tests.server.hold` does it at length. And a disk that is full."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.crates import crate
from tests.server.client import Client
from tests.server.hold import beside, crowd, hands, kills
from tests.server.serving import Served
from tests.tools import need


def test_what_was_answered_is_there_whenever_the_process_is_killed(tmp_path: Path) -> None:
    assert int(str(kills(tmp_path, count=3)["answered"])) >= 3


def test_two_endpoints_a_watcher_and_commands_lose_nothing_on_one_tree(tmp_path: Path) -> None:
    hands(tmp_path, crates=20)


def test_reads_and_small_publishes_go_on_beside_a_large_upload_and_a_pass(tmp_path: Path) -> None:
    beside(tmp_path, mib=8, crates=200)


def test_a_crowd_of_slow_connections_and_nonsense_costs_no_memory(tmp_path: Path) -> None:
    found = crowd(tmp_path, connections=300)
    assert float(str(found["mib_after"])) < float(str(found["mib_before"])) + 40


def test_a_full_disk_stops_publishes_and_no_reads(tmp_path: Path, small_disk: Path) -> None:
    served = Served(tmp_path, f'pages = false\n[tree]\npath = "{small_disk / "public"}"\n')
    served.tokens["alice"] = served.token()
    with served.running("--publish"):
        alice = served.client("alice")
        alice.publish(crate("foo")).ok()
        (small_disk / "filler").write_bytes(bytes(20_000))
        large = crate("large").file("noise", bytes(300_000)).compressed(0)
        alice.publish(large).failed(507, "the disk of this registry is full; nothing was published")
        assert len(alice.line("3/f/foo")) == 1
        assert alice.ask("GET", f"/crates/foo/{crate('foo').cksum()}.crate").ok().content == crate("foo").build()
        assert alice.ask("GET", "/ready").status == 200
        assert alice.ask("GET", "/ready/publish").status == 503
        subprocess.run([need("mount"), "-o", "remount,size=4m", small_disk], check=True)
        alice.publish(large).ok()
    served.run("verify").ok()


def test_clients_that_come_together_are_all_answered(tmp_path: Path) -> None:
    served = Served(tmp_path, "pages = false\n")
    client = Client(served.url, served.token())
    with served.running("--publish"), ThreadPoolExecutor(8) as clients:
        crates = [crate(f"each{number:03}") for number in range(200)]
        assert {answer.status for answer in clients.map(client.publish, crates)} == {200}
