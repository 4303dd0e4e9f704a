"""A registry in a bucket: changed by the commands as users run them, served by the store itself, read by cargo."""

import hashlib
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.objects.client import Client
from cargo_static_index.tree.layout import archive_file
from tests.buckets import Buckets, azurite, identities, seaweedfs
from tests.cargo.client import Cargo
from tests.cargo.hosts import Host
from tests.cli.program import PROGRAM, environment, run
from tests.cli.watching import watching
from tests.crates import crate
from tests.server.serving import Served
from tests.server.test_cargo import package
from tests.servers import get
from tests.world import contents

pytestmark = pytest.mark.cargo

TYPE = {"Content-Type": "application/gzip"}


@pytest.fixture(scope="module")
def buckets() -> Iterator[Buckets]:
    with seaweedfs() as server:
        yield server


@pytest.fixture
def host(tmp_path: Path, buckets: Buckets) -> Host:
    return Host(tmp_path / "host", buckets, buckets.make())


@pytest.fixture
def cargo(tmp_path: Path, host: Host) -> Cargo:
    return Cargo(tmp_path / "cargo", {"acme": host.url})


def test_cargo_builds_from_a_bucket_through_the_stores_own_http(host: Host, cargo: Cargo) -> None:
    host.drop(crate("foo", "1.0.0"), crate("foo", "1.1.0+b"), crate("bar", "0.1.0"))
    assert "3 published" in host.run("build").ok()
    (more,) = host.drop(crate("foo", "1.2.0"))
    host.run("add", more).ok()
    host.run("yank", "foo@1.2.0").ok()
    project = cargo.project('foo = { version = "1", registry = "acme" }\nbar = { version = "0", registry = "acme" }\n')
    project.run("build").ok()
    assert project.locked() == {"foo": "1.1.0+b", "bar": "0.1.0"}
    host.run("remove", "--yes", "foo@1.1.0+b").ok()
    project.run("update").ok()
    assert project.locked()["foo"] == "1.0.0"
    assert host.run("list").ok().split() == ["bar@0.1.0", "foo@1.0.0", "foo@1.2.0", "(yanked)"]
    assert "nothing is wrong" in host.run("verify").ok()


def test_pages_and_what_is_absent_are_answered_as_they_should_be(host: Host) -> None:
    host.drop(crate("foo", "1.0.0"))
    host.run("build").ok()
    page = get(f"{host.url}crates/foo/index.html")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    index = get(f"{host.url}index/3/f/foo")
    assert (index.status, index.headers["Cache-Control"]) == (200, "no-cache")
    assert get(f"{host.url}index/3/f/foo", If_None_Match=index.headers["ETag"]).status == 304
    assert get(f"{host.url}index/3/b/bar").status == 404


def test_an_archive_that_was_exchanged_is_found_by_the_checksum_that_the_store_keeps(host: Host) -> None:
    (file,) = host.drop(crate("foo", "1.0.0"))
    host.run("build", "--no-pages").ok()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    Client(host.bucket, host.environment).put(archive_file("foo", crate("foo", "1.0.0").cksum()), bytes(content), TYPE)
    assert "nothing is wrong" in host.run("verify", "--quick", "--no-pages").ok()
    said = host.run("verify", "--no-pages")
    assert (said.code, "The store has SHA-256" in said.out) == (1, True), said


def test_the_checksum_that_the_store_keeps_is_asked_for_with_an_instances_keys(buckets: Buckets) -> None:
    place = buckets.make()
    with identities(token="") as (url, _):  # which this store takes for none
        region = {"AWS_REGION": "us-east-1"}
        client = Client(place, {**region, "AWS_ENDPOINT_URL": buckets.endpoint, "AWS_METADATA_ENDPOINT": url})
        client.put("a", b"bytes", TYPE)
        assert client.digest("a") == hashlib.sha256(b"bytes").hexdigest()


def test_many_crates_are_read_and_their_pages_made_in_processes(host: Host) -> None:
    """They open the bucket for themselves: what was forked with a client's threads would wait for ever."""
    host.drop(*(crate(f"crate-{number}", "1.0.0") for number in range(40)))
    assert "40 published" in host.run("build", "--jobs", "2").ok()
    assert "nothing is wrong" in host.run("verify").ok()


def test_what_is_dropped_while_somebody_watches_is_published_into_the_bucket(host: Host, cargo: Cargo) -> None:
    host.drop(crate("foo", "1.0.0"))
    with watching(cwd=host.folder, env=host.environment) as watcher:
        watcher.until("Published foo 1.0.0")
        project = cargo.project('foo = { version = "1", registry = "acme" }\n')
        project.run("build").ok()
        host.drop(crate("foo", "1.1.0"))
        watcher.until("Published foo 1.1.0")
        project.run("update").ok()
        assert project.locked() == {"foo": "1.1.0"}
        assert watcher.stop() == 0
    assert "nothing is wrong" in host.run("verify").ok()


def test_cargo_publishes_into_the_bucket_and_builds_from_what_the_store_serves(
    tmp_path: Path, buckets: Buckets
) -> None:
    bucket = buckets.make()
    served = Served(tmp_path / "endpoint", f'[tree]\npath = "{bucket}"\n', base_url=buckets.url(bucket))
    (tmp_path / "endpoint/registry.toml").write_text(
        (tmp_path / "endpoint/registry.toml").read_text() + f'[publish]\nurl = "{served.url.rstrip("/")}"\n'
    )
    token = served.token("alice")
    with served.running("--publish", env=buckets.environment):
        cargo = Cargo(tmp_path / "cargo", {"acme": buckets.url(bucket)})
        (cargo.home / "credentials.toml").write_text(f'[registries.acme]\ntoken = "{token}"\n')
        package(cargo, "foo").run("publish", "--no-verify").ok()
        package(cargo, "foo", "1.1.0").run("publish", "--no-verify").ok()
        package(cargo, "foo").run("publish", "--no-verify").failed("already")
        package(cargo, "foo").run("yank", "--version", "1.1.0", "--registry", "acme").ok()
        project = cargo.project('foo = { version = "1", registry = "acme" }\n', name="needs")
        project.run("build").ok()
        assert project.locked() == {"foo": "1.0.0"}
        assert "foo" in project.run("search", "foo", "--registry", "acme").ok().stdout
    environment = buckets.environment
    assert "nothing is wrong" in run("verify", cwd=tmp_path / "endpoint", env=environment).ok()


def test_what_is_dropped_into_a_bucket_is_read_in_processes_published_and_taken_away(host: Host, cargo: Cargo) -> None:
    """Each opens the bucket for itself: what was forked with a client's threads would wait for ever."""
    incoming = Bucket(host.bucket.scheme, host.bucket.name, "incoming")
    client = Client(incoming, host.environment)
    made = [crate(f"crate-{number}").write(host.folder / "made") for number in range(150)]
    with ThreadPoolExecutor(16) as pool:
        list(
            pool.map(lambda file: client.put(file.name, file.read_bytes(), {"Content-Type": "application/gzip"}), made)
        )
    said = host.run("build", "--no-pages", "--jobs", "2", "--drop", str(incoming), "--drop-after-publish", "delete")
    assert "150 published" in said.ok()
    assert list(client.list()) == []
    project = cargo.project('crate-149 = { version = "1", registry = "acme" }\n')
    project.run("build").ok()
    assert "nothing is wrong" in host.run("verify", "--no-pages").ok()


def test_a_container_of_azures_serves_cargo_as_well(tmp_path: Path) -> None:
    with azurite() as server:
        host = Host(tmp_path / "host", server, Bucket("az", "crates", "acme"))
        incoming = Bucket("az", "crates", "incoming")
        client = Client(incoming, server.environment)
        for file in host.drop(crate("foo", "1.0.0"), crate("foo", "1.1.0+b")):
            client.put(file.name, file.read_bytes(), TYPE)
        done = Bucket("az", "crates", "done")
        host.run("build", "--drop", str(incoming), "--drop-after-publish", str(done)).ok()
        assert [each.path for each in client.list()] == []
        assert {each.path for each in Client(done, server.environment).list()} == {
            "foo-1.0.0.crate",
            "foo-1.1.0+b.crate",
        }
        (more,) = host.drop(crate("foo", "1.2.0"))
        host.run("add", more).ok()
        host.run("yank", "foo@1.2.0").ok()
        project = Cargo(tmp_path / "cargo", {"acme": host.url}).project('foo = { version = "1", registry = "acme" }\n')
        project.run("build").ok()
        assert project.locked() == {"foo": "1.1.0+b"}
        host.run("remove", "--yes", "foo@1.1.0+b").ok()
        assert "nothing is wrong" in host.run("verify", "--deep").ok()


def test_a_scheme_that_is_not_known_is_refused_and_makes_no_folder(tmp_path: Path) -> None:
    said = run("build", "--tree", "ftp://crates/x", cwd=tmp_path).failed(2, "--tree: 'ftp' is no place")
    assert "s3://" in said
    assert list(tmp_path.iterdir()) == []


def test_hosts_that_share_a_drop_directory_build_one_bucket_at_the_same_time(tmp_path: Path, buckets: Buckets) -> None:
    crates = [crate(f"crate-{number}").package(keywords=[f"k{number % 3}"]) for number in range(24)]
    one = Host(tmp_path / "one", buckets, buckets.make())
    one.drop(*crates)
    env = dict(one.environment, SOURCE_DATE_EPOCH="1767225600")
    started = [
        subprocess.Popen(
            [*PROGRAM, "build", "--share", f"{number}/3", "--state", f"{tmp_path}/state-{number}"],
            cwd=one.folder,
            env=environment(env),
        )
        for number in (1, 2, 3)
    ]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    assert "nothing is wrong" in one.run("verify").ok()
    alone = Host(tmp_path / "alone", buckets, buckets.make())
    alone.drop(*crates)
    run("build", cwd=alone.folder, env=env).ok()
    shared, whole = (contents(buckets.store(host.bucket)) for host in (one, alone))
    index = {path for path in whole if path.startswith(("index/", "crates/")) and path != "index/config.json"}
    pages = {path for path in index if path.endswith((".html", ".xml"))}
    assert {path: shared.get(path) for path in index - pages} == {path: whole[path] for path in index - pages}
    assert {path for path in shared if path.startswith("browse/")} == {p for p in whole if p.startswith("browse/")}


def test_a_folder_is_copied_into_a_bucket_from_which_cargo_builds(host: Host, cargo: Cargo, tmp_path: Path) -> None:
    """And back into another folder, under the URL that it is served at there."""
    host.drop(crate("foo", "1.0.0"), crate("foo", "1.1.0"))
    here = host.folder / "here"
    host.run("build", "--tree", here, "--base-url", "https://crates.example.com/").ok()
    copied = host.run("sync", here, str(host.bucket), "--base-url", host.url)
    assert "foo@1.1.0" in copied.ok()
    assert "2 releases brought in step" in copied.err
    project = cargo.project('foo = { version = "1", registry = "acme" }\n')
    project.run("build").ok()
    assert host.url.encode() in get(f"{host.url}index.html").content
    assert "nothing is wrong" in host.run("verify").ok()
    host.run("yank", "foo@1.1.0").ok()
    back = host.run("sync", str(host.bucket), here)
    assert "foo@1.1.0" in back.ok()
    assert (here / "index/3/f/foo").read_bytes() == get(f"{host.url}index/3/f/foo").content
    assert b"https://crates.example.com/" in (here / "index/config.json").read_bytes()
    host.run("sync", here, here).failed(2, "cannot be brought in step with itself")
    host.run("sync", tmp_path / "nothing", here).failed(2, "there is no registry in")
