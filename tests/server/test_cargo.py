"""The real cargo against the real process: publish, yank, and build of what was just published."""

from pathlib import Path

import pytest

from tests.cargo.client import Cargo, Project
from tests.cli.program import run
from tests.server.serving import Served

pytestmark = pytest.mark.cargo


def package(cargo: Cargo, name: str, version: str = "1.0.0", dependencies: str = "") -> Project:
    """Write a package that may be published to acme alone."""
    project = cargo.project(
        dependencies,
        name=name,
        code=f"pub fn says() -> &'static str {{ {name!r} }}\n".replace("'" + name + "'", f'"{name}"'),
        package='publish = ["acme"]\ndescription = "Says its name."\nlicense = "MIT"',
    )
    manifest = project.manifest.read_text().replace('version = "0.1.0"', f'version = "{version}"')
    project.manifest.write_text(manifest)
    return project


@pytest.mark.case(101)
def test_what_cargo_publishes_is_added_and_built_at_once(tmp_path: Path) -> None:
    served = Served(tmp_path)
    cargo = served.cargo(tmp_path / "cargo", served.token())
    with served.running("--publish"):
        done = package(cargo, "foo").run("publish").ok()
        assert "Published foo v1.0.0" in done.stderr
        assert "timed out" not in done.stderr
        user = cargo.project(code="pub fn it() -> &'static str { foo::says() }")
        user.run("add", "--registry", "acme", "foo").ok()
        user.run("build").ok()
        assert user.locked() == {"foo": "1.0.0"}


@pytest.mark.case(103)
def test_cargo_yanks_and_takes_it_back(tmp_path: Path) -> None:
    served = Served(tmp_path)
    cargo = served.cargo(tmp_path / "cargo", served.token())
    with served.running("--publish"):
        foo = package(cargo, "foo")
        foo.run("publish", "--no-verify").ok()
        foo.run("yank", "--registry", "acme", "foo@1.0.0").ok()
        cargo.project('foo = { version = "1", registry = "acme" }').run("generate-lockfile").failed("yanked")
        foo.run("yank", "--registry", "acme", "--undo", "foo@1.0.0").ok()
        cargo.project('foo = { version = "1", registry = "acme" }').run("generate-lockfile").ok()
        foo.run("yank", "--registry", "acme", "foo@2.0.0").failed("there is no release foo 2.0.0 in this registry")


@pytest.mark.case(98)
def test_without_a_known_token_nothing_is_published(tmp_path: Path) -> None:
    served = Served(tmp_path)
    served.token()
    with served.running("--publish"):
        unknown = served.cargo(tmp_path / "unknown", "csi_00000000_0")
        package(unknown, "foo").run("publish", "--no-verify").failed("401", "this token is not known here", "/me")
        assert not (served.tree / "index/3/f/foo").exists()


def test_a_command_gets_a_registry_of_its_own_that_leaves_nothing(tmp_path: Path) -> None:
    cargo = Cargo(tmp_path / "cargo", crates_io=True)
    foo = package(cargo, "foo")
    command = ["serve", "--ephemeral", "--name", "acme", "--", "cargo", "publish", "--registry", "acme"]
    env = cargo.environment() | {"TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    done = run(*command, cwd=foo.folder, env=env)
    assert (done.code, "Published foo v1.0.0" in done.err) == (0, True), done
    assert list((tmp_path / "tmp").iterdir()) == []
    package(cargo, "bar", dependencies='foo = { version = "1", registry = "acme" }')
    assert run(*command, cwd=tmp_path / "cargo/bar", env=env).code == 101  # cargo's own: there is no foo
