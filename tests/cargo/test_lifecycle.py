"""What becomes of clients when releases are yanked, brought back, replaced or removed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.crates import crate
from tests.world import World

pytestmark = pytest.mark.cargo


@pytest.mark.case(81)
def test_a_yanked_release_is_passed_over_without_a_lock_file_and_kept_with_one(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo", "1.0.0"), crate("foo", "1.1.0"))
    locked = cargo.project(acme.needs("foo"), name="locked")
    locked.run("generate-lockfile").ok()
    acme.yank("foo@1.1.0")
    fresh = cargo.project(acme.needs("foo"), name="fresh")
    fresh.run("generate-lockfile").ok()
    assert fresh.locked() == {"foo": "1.0.0"}
    locked.run("build", "--locked").ok()
    assert locked.locked() == {"foo": "1.1.0"}
    locked.run("update").ok()
    assert locked.locked() == {"foo": "1.0.0"}


@pytest.mark.case(81)
def test_only_a_lock_file_or_precise_reaches_a_crate_of_which_all_is_yanked(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo"))
    project = cargo.project(acme.needs("foo"))
    project.run("generate-lockfile").ok()
    acme.yank("foo@1.0.0")
    cargo.project(acme.needs("foo"), name="fresh").run("generate-lockfile").failed("foo", "yanked")
    project.run("fetch", "--locked").ok()


@pytest.mark.case(81)
def test_a_release_that_was_unyanked_is_chosen_again_and_its_line_is_as_it_was(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo", "1.0.0"), crate("foo", "1.1.0"))
    before = acme.index_file("foo").read_bytes()
    acme.yank("foo@1.1.0")
    acme.unyank("foo@1.1.0")
    assert acme.index_file("foo").read_bytes() == before
    project = cargo.project(acme.needs("foo"))
    project.run("generate-lockfile").ok()
    assert project.locked() == {"foo": "1.1.0"}


@pytest.mark.case(89)
def test_a_client_with_a_cache_sees_changes_that_keep_the_size_within_one_second(acme: Ours, cargo: Cargo) -> None:
    # nginx makes ETags of a file's seconds and size; two lines that swap `yanked` keep the size.
    acme.publish(crate("foo", "1.0.0"), crate("foo", "1.1.0"))
    acme.yank("foo@1.1.0")
    project = cargo.project(acme.needs("foo"))
    chosen, stamps = [], set()
    for wanted, other in [("1.0.0", "1.1.0"), ("1.1.0", "1.0.0")] * 3:
        acme.unyank(f"foo@{wanted}")
        acme.yank(f"foo@{other}")
        status = acme.index_file("foo").stat()
        stamps.add((int(status.st_mtime), status.st_size))
        project.run("update").ok()
        chosen.append(project.locked()["foo"])
    assert chosen == ["1.0.0", "1.1.0"] * 3
    assert len({size for _, size in stamps}) == 1
    # The first turn changes nothing, so that it has no stamp of its own.
    assert len(stamps) == 5 + 1


@pytest.mark.case(88)
def test_a_removed_release_is_gone_and_a_lock_file_that_names_it_fails(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo", "1.0.0"), crate("foo", "1.1.0"))
    project = cargo.project(acme.needs("foo"))
    project.run("generate-lockfile").ok()
    acme.remove("foo@1.1.0")
    project.run("build", "--locked").failed("foo")
    project.run("update").ok()
    assert project.locked() == {"foo": "1.0.0"}
    project.run("fetch").ok()


class _Interrupting(SimpleHTTPRequestHandler):
    """Serves a folder, and has something happen before an archive is sent: between resolving and downloading."""

    happens: Callable[[], object]

    def do_GET(self) -> None:
        if self.path.endswith(".crate"):
            type(self).happens()
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


@contextmanager
def served(root: Path, happens: Callable[[], object]) -> Iterator[str]:
    """Serve a folder at the URL that is given, where something happens before each archive is sent."""
    handler = type("Handler", (_Interrupting,), {"happens": staticmethod(happens)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(root)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.case(88)
@pytest.mark.parametrize("keep", ["1h", "0"])
def test_a_client_that_has_resolved_gets_what_was_removed_meanwhile_where_it_is_kept(tmp_path: Path, keep: str) -> None:
    world = World(tmp_path, {"tree.keep-removed": keep})
    world.put(crate("foo"))
    world.tree.mkdir()
    with served(world.tree, lambda: world.remove("foo@1.0.0")) as url:
        world.options["registry.base-url"] = url
        world.build()
        cargo = Cargo(tmp_path / "client", {"acme": url})
        project = cargo.project('foo = { version = "1", registry = "acme" }\n', code="use foo as _;")
        ended = project.run("build")
        assert world.versions("3/f/foo") == []
        assert (ended.code == 0) is (keep == "1h"), ended.show()
        cargo.project('foo = { version = "1", registry = "acme" }\n', name="later").run("fetch").failed("foo")


@pytest.mark.case(88)
@pytest.mark.parametrize("toolchain", ["", "+1.68.2"])
def test_a_crate_whose_last_release_is_removed_is_one_without_versions(
    acme: Ours, cargo: Cargo, toolchain: str
) -> None:
    """Cargo 1.68 is the first that asks for sparse indexes."""
    which = [toolchain] if toolchain else []
    if which and cargo.run(*which, "--version", env={"RUSTUP_AUTO_INSTALL": "0"}).code != 0:
        pytest.skip(f"not installed: cargo {toolchain}")
    acme.publish(crate("foo"))
    project = cargo.project(acme.needs("foo"))
    project.run(*which, "generate-lockfile").ok()
    acme.remove("foo@1.0.0")
    cargo.project(acme.needs("foo"), name="fresh").run(*which, "update").failed("no matching package", "foo")
    last = [each for each in acme.requests() if each.path == "index/3/f/foo"][-1]
    assert last.status == 200  # an empty file, which is a crate without versions
    # A crate that a client holds stays with it; whoever does not hold it gets no archive.
    project.run(*which, "fetch", "--locked").failed("foo")


@pytest.mark.case(88)
def test_a_release_that_was_restored_is_resolved_again(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo"))
    acme.remove("foo")
    with acme.opened() as registry:
        registry.add([acme.drop / "foo-1.0.0.crate"], restore=True)
    project = cargo.project(acme.needs("foo"), code="use foo as _;")
    project.run("build").ok()


def test_a_new_release_reaches_a_client_with_a_cache_by_update_alone(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo", "1.0.0"), crate("unchanged"))
    project = cargo.project(acme.needs("foo") + acme.needs("unchanged"))
    project.run("generate-lockfile").ok()
    acme.publish(crate("foo", "1.1.0"))
    project.run("fetch").ok()
    assert project.locked()["foo"] == "1.0.0"
    project.run("update").ok()
    assert project.locked()["foo"] == "1.1.0"
    again = {each.path: each.status for each in acme.requests() if each.if_none_match}
    assert again == {"index/3/f/foo": 200, "index/un/ch/unchanged": 304}


@pytest.mark.case(80)
def test_other_bytes_for_a_release_leave_clients_with_what_they_locked(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo"))
    project = cargo.project(acme.needs("foo"))
    project.run("fetch").ok()
    with acme.opened() as registry:
        registry.add([crate("foo").file("src/other.rs", "").write(acme.drop.parent / "other")])
    assert len(acme.report.of("refused")) == 1
    elsewhere = Cargo(cargo.folder / "elsewhere", {"acme": acme.url}).project(acme.needs("foo"))
    (elsewhere.folder / "Cargo.lock").write_text((project.folder / "Cargo.lock").read_text())
    elsewhere.run("fetch", "--locked").ok()
