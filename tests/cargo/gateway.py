"""A long run against a second real store, the Versity S3 Gateway: `python -m tests.cargo.gateway`.

Whether it keeps to conditions, 16 writers on one key, two hosts that add at the same time, dropped crates in a bucket,
the real cargo reading through the store's own HTTP, and what each role may by the policies that `hosting s3` prints.
The last line that is printed is a JSON object.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.objects.client import Client
from cargo_static_index.store.objects.conditions import broken_conditions, lost_in_race
from cargo_static_index.store.objects.uploads import new_uploads
from tests.buckets import Buckets, policed, versitygw
from tests.cargo.client import Cargo
from tests.cargo.hosts import Host
from tests.crates import crate
from tests.servers import get

Figures = dict[str, object]


def tried(folder: Path, buckets: Buckets, hosts: int, each: int) -> Figures:
    """Give what came of all of it; AssertionError where something is not as it must be."""
    bucket = buckets.make()
    users = policed(buckets, bucket)
    client = Client(bucket, buckets.environment)
    broken = list(broken_conditions(client))
    assert not broken, broken
    lost = sum(lost_in_race(client) for _ in range(5))
    assert lost == 0
    here = Host(folder / "host", buckets, bucket)
    here.drop(crate("foo", "1.0.0"), crate("foo", "1.1.0+b"), crate("bar", "0.1.0"))
    here.run("build").ok()
    together = _together(folder, buckets, bucket, hosts, each)
    resolved = _resolved(folder, here)
    dropped = _dropped(here, buckets)
    denied = _denied(folder, users, bucket)
    hidden = _hidden(folder, buckets, bucket)
    assert "nothing is wrong" in here.run("verify", "--deep").ok()
    return {
        "lines lost by 16 writers on one key, five times": lost,
        "releases that hosts added at the same time": together,
        "cargo resolved": resolved,
        "crates read from a drop prefix": dropped,
        "what the printed policies denied": denied,
        "kept from everybody": hidden,
    }


def _together(folder: Path, buckets: Buckets, bucket: Bucket, hosts: int, each: int) -> int:
    """Have hosts with states of their own add versions of one crate at the same time, and count what is there then."""
    others = [Host(folder / f"host-{number}", buckets, bucket) for number in range(hosts)]

    def add(number: int) -> None:
        files = others[number].drop(*(crate("shared", f"1.{number}.{patch}") for patch in range(each)))
        for file in files:
            others[number].run("add", file).ok()

    with ThreadPoolExecutor(hosts) as pool:
        list(pool.map(add, range(hosts)))
    held = [line for line in others[0].run("list").ok().split() if line.startswith("shared@")]
    assert len(held) == hosts * each, held
    return len(held)


def _resolved(folder: Path, here: Host) -> str:
    project = Cargo(folder / "cargo", {"acme": here.url}).project(
        'foo = { version = "1", registry = "acme" }\nbar = { version = "0", registry = "acme" }\n'
    )
    project.run("build").ok()
    assert project.locked() == {"foo": "1.1.0+b", "bar": "0.1.0"}
    here.run("yank", "foo@1.1.0+b").ok()
    here.run("remove", "--yes", "bar@0.1.0").ok()
    return ", ".join(f"{name} {vers}" for name, vers in sorted(project.locked().items()))


def _dropped(here: Host, buckets: Buckets) -> int:
    place = Bucket(here.bucket.scheme, here.bucket.name, "incoming")
    client = Client(place, buckets.environment)
    for number in range(20):
        file = crate(f"dropped-{number}").write(here.folder / "made")
        client.put(file.name, file.read_bytes(), {"Content-Type": "application/gzip"})
    here.run("build", "--drop", str(place), "--drop-after-publish", "delete").ok()
    left = list(client.list())
    assert not left, left
    return 20


def _denied(folder: Path, users: Mapping[str, Buckets], bucket: Bucket) -> str:
    """Have each role do its work with the policy that is printed for it, and what only another one may."""
    hosts = {role: Host(folder / role, buckets, bucket) for role, buckets in users.items()}
    file = hosts["reader"].drop(crate("by-a-reader"))[0]
    assert "foo@1.0.0" in hosts["reader"].run("list").ok()
    hosts["reader"].run("add", file).failed(3, "does not let us write")
    hosts["publisher"].drop(crate("by-role"), crate("by-role", "1.1.0"))
    hosts["publisher"].run("build").ok()
    hosts["publisher"].run("yank", "by-role@1.0.0").ok()
    client = Client(bucket, users["publisher"].environment)
    archives = [listed.path for listed in client.list("crates/by-role") if listed.path.endswith(".crate")]
    assert len(archives) == 2
    for path in ("index/by/-r/by-role", "tree.json", *archives):
        with pytest.raises(StoreError, match="does not let us delete"):
            client.delete(path)
    hosts["operator"].run("remove", "--yes", "by-role@1.0.0").ok()
    return "writing to the reader, deleting lines and archives to who publishes"


def _hidden(folder: Path, buckets: Buckets, bucket: Bucket) -> str:
    """Claim that nobody without credentials reads what machines staged, and that what is missing is 404 to cargo."""
    file = folder / "staged"
    file.write_bytes(b"not published yet")
    uploads = new_uploads(bucket, buckets.environment)
    uploads.put("0", file, path="crates/foo/0.crate", tags=())
    asked = {"tree.json": 200, "index/mi/ss/missing": 404, uploads.staged("0"): 403, "names/foo.json": 403}
    for path, status in asked.items():
        assert get(buckets.url(bucket) + path).status == status, path
    uploads.clear()
    return "what is staged, and the names that writers keep"


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=4)
    parser.add_argument("--crates", type=int, default=25)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-") as folder, versitygw() as server:
        print(json.dumps(tried(Path(folder), server, given.hosts, given.crates)))


if __name__ == "__main__":
    _main()
