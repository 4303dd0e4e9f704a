import json
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.cli.program import run
from tests.cli.watching import watching
from tests.crates import crate
from tests.documents import hold_to_schema


def test_what_is_there_is_published_at_the_start_and_what_comes_as_it_comes(fresh: Path) -> None:
    with watching(cwd=fresh) as watcher:
        watcher.until("Published foo 1.0.0\n")
        crate("foo", "1.1.0").write(fresh / "drop/deep/er")
        watcher.until("Published foo 1.1.0\n")
        assert watcher.stop() == 0
    assert "foo@1.1.0" in run("list", cwd=fresh).ok()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0(fresh: Path, number: int) -> None:
    with watching(cwd=fresh) as watcher:
        watcher.until("Published foo 1.0.0\n")
        assert watcher.stop(number) == 0
        assert watcher.said.splitlines() == [
            "    Watching drop by events",
            "   Published bar 0.1.0",
            "   Published foo 1.0.0",
        ]


def test_it_ends_by_itself_once_nothing_comes_any_more(fresh: Path) -> None:
    with watching("--exit-when-idle", "0.2", cwd=fresh) as watcher:
        assert watcher.ended() == 0
        assert "Published foo 1.0.0\n" in watcher.said


def test_a_second_signal_ends_it_at_once_and_what_was_begun_is_finished_later(fresh: Path) -> None:
    for number in range(300):
        crate("many", f"1.{number}.0").write(fresh / "drop")
    with watching("--grace", "60", cwd=fresh) as watcher:
        watcher.until("Watching")
        watcher.process.send_signal(signal.SIGTERM)
        assert watcher.stop() in {0, 130}
    run("build", cwd=fresh).ok()
    assert run("list", cwd=fresh).ok().count("many@") == 300
    assert run("verify", cwd=fresh).code == 0


def test_a_batch_that_takes_longer_than_the_grace_is_left_and_finished_later(fresh: Path) -> None:
    for number in range(300):
        crate("many", f"1.{number}.0").write(fresh / "drop")
    with watching("--grace", "0.01", cwd=fresh) as watcher:
        watcher.until("Watching")
        assert watcher.stop() == 0
    run("build", cwd=fresh).ok()
    assert run("list", cwd=fresh).ok().count("many@") == 300


def test_each_change_is_a_json_document_where_that_is_asked_for(fresh: Path) -> None:
    (fresh / "drop/page.crate").write_text("<html>not found</html>")
    with watching("--log-format", "json", "--exit-when-idle", "1.5", cwd=fresh) as watcher:
        assert watcher.ended() == 0
        events = [json.loads(line) for line in watcher.said.splitlines()]
    for each in events:
        hold_to_schema("event", each)
    assert (events[0]["event"], events[0]["mode"]) == ("watching", "events")
    files = {(each["event"], each["file"]["path"]) for each in events if "file" in each}
    assert files == {
        ("published", "drop/bar-0.1.0.crate"),
        ("published", "drop/foo-1.0.0.crate"),
        ("refused", "drop/page.crate"),
    }
    assert "index/3/f/foo" in {each.get("path") for each in events}


def test_metrics_are_kept_in_a_file_that_prometheus_reads(fresh: Path) -> None:
    (fresh / "drop/empty.crate").write_bytes(b"")
    os.utime(fresh / "drop/empty.crate", (0, 0))
    with watching("--metrics-file", "watch.prom", cwd=fresh) as watcher:
        watcher.until("Refused")
        watcher.stop()
    text = (fresh / "watch.prom").read_text()
    values = dict(line.split(" ") for line in text.splitlines() if not line.startswith("#"))
    assert values["cargo_static_index_failing"] == values["cargo_static_index_polling"] == "0"
    assert values['cargo_static_index_refused_files{rule="file-empty"}'] == "1"
    assert int(values['cargo_static_index_free_bytes{folder="tree"}']) > 0
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert {name.partition("{")[0] for name in values} == names


def test_metrics_are_not_put_where_everybody_reads_them(fresh: Path) -> None:
    run("watch", "--metrics-file", "public/m.prom", cwd=fresh).failed(2, "lies in the tree, which everybody can read")
    run("watch", "--metrics-file", "no/m.prom", cwd=fresh).failed(2, "no/m.prom cannot be written: No such file")


def test_the_service_manager_hears_that_it_is_ready_lives_and_ends(fresh: Path, tmp_path: Path) -> None:
    address = str(tmp_path / "n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(30)
        with watching(cwd=fresh, env={"NOTIFY_SOCKET": address}) as watcher:
            heard = ""
            while "READY=1" not in heard:
                heard += manager.recv(4096).decode() + "\n"
            assert "Published foo 1.0.0" in watcher.until("Published foo")
            assert "STATUS=watching by events" in heard
            while "WATCHDOG=1" not in heard.partition("READY=1")[2]:
                heard += manager.recv(4096).decode() + "\n"
            assert watcher.stop() == 0
        while "STOPPING=1" not in heard:
            heard += manager.recv(4096).decode() + "\n"


def test_status_says_how_the_watcher_is_and_what_it_waits_for(fresh: Path) -> None:
    with watching(cwd=fresh) as watcher:
        watcher.until("Published foo")
        with (fresh / "drop/slow-1.0.0.crate").open("wb") as slow:
            slow.write(crate("slow", "1.0.0").build()[:100])
            slow.flush()
            said = ""
            while "nobody has closed it yet" not in said:
                said = run("status", cwd=fresh).ok()
            assert "watching: by events, process" in said
            assert "drop/slow-1.0.0.crate (nobody has closed it yet; it came" in said
            document = run("status", "--json", cwd=fresh).document()
            assert document["watch"]["running"] is True
            assert [each["path"] for each in document["watch"]["waiting"]] == ["drop/slow-1.0.0.crate"]
        watcher.stop()
    assert "watching: nobody; the last watcher spoke" in run("status", cwd=fresh).ok()


def test_a_watcher_that_has_nothing_to_do_is_not_stale(fresh: Path) -> None:
    clock = {"SOURCE_DATE_EPOCH": "1700000000"}
    run("build", cwd=fresh, env=clock).ok()
    assert run("status", "--max-age", "1h", cwd=fresh).code == 1
    with watching(cwd=fresh, env=clock) as watcher:
        watcher.until("Watching")
        while run("status", "--max-age", "1h", cwd=fresh).code:
            pass
