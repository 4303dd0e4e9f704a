"""`push` against a registry that is not ours, which fails in every way that registries do."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from email.message import Message
from email.utils import formatdate
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from signal import SIGKILL

import pytest

from cargo_static_index.client.config import CargoConfig, RemoteRegistry
from cargo_static_index.client.http import Answer, pauses
from cargo_static_index.client.push import Pusher, in_order, read_uploads
from cargo_static_index.diagnostics.errors import SettingsError, StoreError
from tests.cli.program import PROGRAM, Ended, environment, run
from tests.client.registry import Fault, Handler, PlainRegistry
from tests.client.test_doctor import Reply, serving
from tests.crates import crate

INDEX = "sparse+https://elsewhere.example/index/"


@pytest.fixture
def registry() -> Iterator[PlainRegistry]:
    with PlainRegistry().running() as running:
        yield running


def archives(folder: Path, index: str = INDEX) -> list[Path]:
    """Three crates, each of which needs the one before it, named against the order."""
    first, second, third = crate("zero"), crate("middle"), crate("alpha")
    second.dependency("zero", registry_index=index)
    third.dependency("middle", registry_index=index)
    return [each.write(folder) for each in (third, second, first)]


def chain(folder: Path, length: int) -> list[Path]:
    """Archives each of which needs the one before it."""
    members = [crate(f"m{number}") for number in range(length)]
    for needed, member in pairwise(members):
        member.dependency(needed.name, registry_index=INDEX)
    return [member.write(folder) for member in members]


def known(folder: Path, registry: PlainRegistry) -> dict[str, str]:
    """The variables that name a registry and its token."""
    about = {"CARGO_REGISTRIES_PLAIN_INDEX": f"sparse+{registry.url}/index/", "CARGO_REGISTRIES_PLAIN_TOKEN": "secret"}
    return {**about, "CARGO_HOME": str(folder)}


def push(folder: Path, registry: PlainRegistry, *more: str | Path, env: Mapping[str, str] | None = None) -> Ended:
    return run("push", "--registry", "plain", *more, cwd=folder, env={**known(folder, registry), **(env or {})})


def busy(status: int, after: str = "0") -> Fault:
    def fault(_registry: PlainRegistry, handler: Handler, _body: bytes) -> bool:
        handler.answer(status, "try later", Retry_After=after)
        return True

    return fault


def good(_registry: PlainRegistry, _handler: Handler, _body: bytes) -> bool:
    return False


def dies(_registry: PlainRegistry, handler: Handler, _body: bytes) -> bool:
    handler.close_connection = True
    handler.connection.close()
    return True


def dies_after_the_work(registry: PlainRegistry, handler: Handler, body: bytes) -> bool:
    registry.publish(body)
    return dies(registry, handler, body)


def dies_for_good(registry: PlainRegistry, handler: Handler, body: bytes) -> bool:
    registry.die()
    return dies(registry, handler, body)


def restarts(registry: PlainRegistry, handler: Handler, body: bytes) -> bool:
    registry.unable = 5  # more than the index is asked in a row
    return dies(registry, handler, body)


def test_dependencies_go_before_what_depends_on_them_and_again_nothing_goes(
    tmp_path: Path, registry: PlainRegistry
) -> None:
    files = archives(tmp_path)
    planned = push(tmp_path, registry, "-n", *files)
    assert planned.ok().split()[2::4] == ["zero", "middle", "alpha"]
    assert registry.uploads == []
    push(tmp_path, registry, *files).ok()
    assert registry.uploads == ["zero", "middle", "alpha"]
    document = push(tmp_path, registry, "--json", *files).document()
    assert [each["status"] for each in document["crates"]] == ["unchanged"] * 3
    assert registry.uploads == ["zero", "middle", "alpha"]


def test_what_is_there_with_other_bytes_stops_what_depends_on_it_alone(tmp_path: Path, registry: PlainRegistry) -> None:
    files = [*archives(tmp_path), crate("other").write(tmp_path)]
    registry.hold("middle", "1.0.0", "0" * 64)
    ended = push(tmp_path, registry, *files)
    assert ended.code == 1
    assert f"it is there as 1.0.0 with SHA-256 {'0' * 64}; these bytes have" in ended.err
    assert "it depends on middle, which did not come to be published" in ended.err
    assert sorted(registry.uploads) == ["other", "zero"]


def test_thirty_members_come_through_all_that_goes_wrong_and_none_is_taken_twice(tmp_path: Path) -> None:
    files, registry = chain(tmp_path, 30), PlainRegistry()
    registry.hold("m3", "1.0.0", sha256(files[3].read_bytes()).hexdigest())
    registry.hold("m20", "1.0.0", "0" * 64)
    registry.faults = [good, dies_for_good]
    with registry.running():
        push(tmp_path, registry, "--wait", "0", *reversed(files)).failed(3, "m1 1.0.0", "it goes on from here")
    assert registry.uploads == ["m0", "m1"]

    registry.faults = [busy(429, "2"), good, busy(503), good, dies_after_the_work, restarts]
    with registry.running():
        ends = [push(tmp_path, registry, "--json", *reversed(files)) for _ in range(2)]
    assert registry.times[3] - registry.times[2] >= 2
    first, second = ([(each["name"], each["status"]) for each in end.document()["crates"]] for end in ends)
    assert [end.code for end in ends] == [1, 1]
    assert [name for name, _ in first] == [f"m{number}" for number in range(30)]
    left = ["conflict", *["skipped"] * 9]
    assert [status for _, status in first] == ["unchanged", *["published"] * 2, "unchanged", *["published"] * 16, *left]
    assert [status for _, status in second] == ["unchanged"] * 20 + left
    assert registry.taken == [f"m{number}" for number in range(20) if number != 3]


def test_a_run_that_is_killed_goes_on_where_it_ended(tmp_path: Path, registry: PlainRegistry) -> None:
    def kills(registry: PlainRegistry, handler: Handler, body: bytes) -> bool:
        process.kill()
        return dies_after_the_work(registry, handler, body)

    files, registry.faults = archives(tmp_path), [good, kills]
    command: list[str | Path] = [*PROGRAM, "push", "--registry", "plain", *files]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(known(tmp_path, registry))) as process:
        assert process.wait(timeout=60) == -SIGKILL
    push(tmp_path, registry, *files).ok()
    assert registry.uploads == ["zero", "middle", "alpha"]


def test_a_registry_is_waited_for_as_long_as_it_asks_and_no_longer_than_the_user_says() -> None:
    def answers(after: str) -> Answer:
        headers = Message()
        headers["Retry-After"] = after
        return Answer(status=429, headers=headers, content=b"", url="")

    slept: list[float] = []
    tries = pauses(60, slept.append)
    assert next(tries)(answers("7"))
    assert next(tries)(answers(formatdate(time.time() + 30, usegmt=True)))
    assert next(tries)(None)
    assert not next(tries)(answers("61"))
    asked, at_a_date, grown = slept
    assert (asked, 28 <= at_a_date <= 30, 2 <= grown <= 6) == (7, True, True)


def test_what_the_registry_says_is_said(tmp_path: Path, registry: PlainRegistry) -> None:
    def refuses(_registry: PlainRegistry, handler: Handler, _body: bytes) -> bool:
        handler.answer(400, {"errors": [{"detail": "missing description"}, {"detail": "no licence"}]})
        return True

    registry.faults = [refuses]
    ended = push(tmp_path, registry, crate("foo").write(tmp_path))
    assert (ended.code, "foo 1.0.0: missing description; no licence" in ended.err) == (1, True)


def test_what_is_sent_is_what_cargo_sends(tmp_path: Path, registry: PlainRegistry) -> None:
    home = f"sparse+{registry.url}/index/"
    made = crate("foo").readme("# Foo").feature("x", ["dep:serde"]).dependency("serde", optional=True)
    made.dependency("named", package="real", registry_index=home).dependency("dev", kind="dev", registry_index=INDEX)
    push(tmp_path, registry, made.write(tmp_path)).ok()
    sent = registry.metadata["foo"]
    deps = {dep["name"]: dep for dep in sent["deps"]}
    assert deps["serde"]["registry"] == "https://github.com/rust-lang/crates.io-index"
    assert (deps["real"]["explicit_name_in_toml"], "registry" in deps["real"]) == ("named", False)
    assert (deps["dev"]["registry"], deps["dev"]["kind"]) == (INDEX, "dev")
    assert (sent["readme"], sent["features"], sent["badges"]) == ("# Foo", {"x": ["dep:serde"]}, {})
    assert set(sent) == {
        *("name", "vers", "deps", "features", "authors", "description", "documentation", "homepage", "readme"),
        *("readme_file", "keywords", "categories", "license", "license_file", "repository", "badges", "links"),
        "rust_version",
    }


def test_a_circle_of_dependencies_ends(tmp_path: Path) -> None:
    one, other = (
        crate("one").dependency("two", registry_index=INDEX),
        crate("two").dependency("one", registry_index=INDEX),
    )
    uploads = read_uploads([one.write(tmp_path), other.write(tmp_path)])
    assert {upload.name for upload in in_order(uploads)} == {"one", "two"}


# Where registry and token come from -----------------------------------------------------------------------

PLUGIN = """#!/usr/bin/env python3
import json, sys
print(json.dumps({"v": [1]}), flush=True)
asked = json.loads(sys.stdin.readline())
assert (asked["kind"], asked["operation"], asked["name"]) == ("get", "publish", "foo"), asked
token = {"plain": "secret", "crates-io": "of crates.io"}[asked["registry"]["name"]]
print(json.dumps({"Ok": {"kind": "get", "token": token, "cache": "never", "operation_independent": True}}), flush=True)
"""


@pytest.mark.parametrize("way", ["credentials", "stdout", "plugin", "alias"])
def test_the_token_is_found_as_cargo_finds_it(tmp_path: Path, registry: PlainRegistry, way: str) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    providers = {
        "credentials": "",
        "stdout": 'credential-provider = "cargo:token-from-stdout echo secret"',
        "plugin": f'credential-provider = ["{plugin}"]',
        "alias": 'credential-provider = "ours"',
    }
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo/config.toml").write_text(
        f'[registries.plain]\nindex = "sparse+{registry.url}/index/"\n{providers[way]}\n'
        f'[registry]\ndefault = "plain"\n[credential-alias]\nours = ["{plugin}"]\n'
    )
    if way == "credentials":
        (tmp_path / "credentials.toml").write_text('[registries.plain]\ntoken = "secret"\n')
    folder = tmp_path / "deep/down"
    folder.mkdir(parents=True)
    run("push", crate("foo").write(tmp_path), cwd=folder, env={"CARGO_HOME": str(tmp_path)}).ok()
    assert registry.uploads == ["foo"]


def test_crates_io_has_the_provider_of_the_table_registry(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    (tmp_path / "config.toml").write_text(f'[registry]\ncredential-provider = ["{plugin}"]\n')
    config = CargoConfig(tmp_path, {"CARGO_HOME": str(tmp_path)})
    asked = {"operation": "publish", "name": "foo"}
    assert config.token(config.registry(None, "sparse+https://index.crates.io/"), asked) == "of crates.io"


def test_an_index_has_the_token_of_its_name_and_never_that_of_crates_io(
    tmp_path: Path, registry: PlainRegistry
) -> None:
    file, index = crate("foo").write(tmp_path), f"sparse+{registry.url}/index/"
    env = {"CARGO_HOME": str(tmp_path), "CARGO_REGISTRY_TOKEN": "secret"}
    run("push", file, "--index", index, cwd=tmp_path, env=env).failed(2, f"there is no token for {index}")
    assert registry.uploads == []
    named = {"CARGO_REGISTRIES_PLAIN_INDEX": index, "CARGO_REGISTRIES_PLAIN_TOKEN": "secret"}
    run("push", file, "--index", index, cwd=tmp_path, env=env | named).ok()
    assert registry.uploads == ["foo"]


def test_no_token_no_registry_and_no_archive_are_said_with_the_way_out(tmp_path: Path, registry: PlainRegistry) -> None:
    file = crate("foo").write(tmp_path)
    push(tmp_path, registry, file, env={"CARGO_REGISTRIES_PLAIN_TOKEN": ""}).failed(
        2, "run `cargo login --registry plain`"
    )
    run("push", file, cwd=tmp_path, env={"CARGO_HOME": str(tmp_path)}).failed(2, "give --registry NAME or --index URL")
    run("push", file, "--registry", "nowhere", cwd=tmp_path, env={"CARGO_HOME": str(tmp_path)}).failed(
        2, "cargo's configuration has no registry 'nowhere'"
    )
    (tmp_path / "bad.crate").write_bytes(b"")
    push(tmp_path, registry, "bad.crate").failed(2, "bad.crate: The file is empty")


def pusher(base: str, **variables: str) -> Pusher:
    """Who publishes to a registry that is served there, with no token of the machine's."""
    config = CargoConfig(Path("/"), {"CARGO_HOME": "/nowhere", **variables})
    return Pusher(RemoteRegistry(name="acme", index=f"sparse+{base}/index/"), config, seconds=0)


def test_an_index_that_is_none_or_names_no_way_to_publish_is_said() -> None:
    def hidden(_path: str, headers: dict[str, str], reply: Reply) -> Reply:
        return reply if headers.get("authorization") == "secret" else Reply(401, {}, b"")

    with serving(lambda _path, _headers, reply: reply) as base, pytest.raises(SettingsError, match="has no web API"):
        pusher(base)
    with serving(lambda *_: Reply(404, {}, b"")) as base, pytest.raises(StoreError, match="is that the index of a reg"):
        pusher(base)
    with serving(hidden) as base:
        with pytest.raises(SettingsError, match="token"):
            pusher(base)
        with pytest.raises(SettingsError, match="has no web API"):
            pusher(base, CARGO_REGISTRIES_ACME_TOKEN="secret")


def test_an_index_file_that_does_not_come_stops_a_push(tmp_path: Path) -> None:
    def wrong(path: str, _headers: dict[str, str], reply: Reply) -> Reply:
        if path == "/index/config.json":
            return Reply(200, {}, b'{"dl": "https://a.example.com/{crate}", "api": "https://a.example.com"}')
        return Reply(403, {}, b"")

    uploads = read_uploads([crate("foo").write(tmp_path)])
    with serving(wrong) as base, pytest.raises(StoreError, match="the index answers 403 for foo"):
        pusher(base).push(uploads, dry=True, tell=print)


def test_a_file_that_no_registry_could_take_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read_uploads([tmp_path / "absent.crate"])
    (tmp_path / "foo-1.0.0.crate").write_bytes(b"no archive")
    with pytest.raises(SettingsError, match="says all that is wrong"):
        read_uploads([tmp_path / "foo-1.0.0.crate"])


def test_variables_win_over_files_and_near_files_over_far_ones(tmp_path: Path) -> None:
    for folder, name in (("home", "far"), ("a/.cargo", "middle"), ("a/b/.cargo", "near")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "config.toml").write_text(f'[registries.x]\nindex = "sparse+https://{name}.example/"\n')
    environment = {"CARGO_HOME": str(tmp_path / "home")}
    found = [CargoConfig(tmp_path / folder, environment).registry("x", None).url for folder in ("a/b", "a", "home")]
    assert found == ["https://near.example/", "https://middle.example/", "https://far.example/"]
    environment["CARGO_REGISTRIES_X_INDEX"] = "sparse+https://variable.example/"
    assert CargoConfig(tmp_path / "a/b", environment).registry("x", None).url == "https://variable.example/"
