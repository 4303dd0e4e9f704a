"""The real cargo against the real process: publish, yank, and build of what was just published."""

import re
from pathlib import Path

import pytest

from tests.cargo.client import Cargo, Project
from tests.cli.program import run
from tests.server.serving import Served
from tests.servers import Nginx, free_port, open_folder

GUIDE = Path(__file__).parents[2] / "docs/publishing.md"

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


@pytest.mark.case(102)
@pytest.mark.case(103)
@pytest.mark.case(104)
def test_every_command_of_cargo_works_on_a_private_registry(tmp_path: Path) -> None:
    served = Served(tmp_path, "auth-required = true\n")
    token = served.token()
    served.token("bob")
    keeper = '[registry]\nglobal-credential-providers = ["cargo:token"]\n'
    cargo = served.cargo(tmp_path / "cargo", config=keeper)
    needs = '{{ path = "../{0}", version = "1", registry = "acme" }}'
    members = {"foo": "", "bar": f"foo = {needs.format('foo')}", "baz": f"bar = {needs.format('bar')}"}
    workspace = tmp_path / "cargo/all"
    for name, dependencies in members.items():
        folder = package(cargo, f"all/{name}", dependencies=dependencies).folder
        manifest = (folder / "Cargo.toml").read_text().replace(f'name = "all/{name}"', f'name = "{name}"')
        (folder / "Cargo.toml").write_text(manifest.replace("[workspace]\n", ""))
    (workspace / "Cargo.toml").write_text('[workspace]\nmembers = ["foo", "bar", "baz"]\nresolver = "2"\n')
    with served.running("--publish"):
        cargo.run("search", "--registry", "acme", "foo").failed("token")
        env = {"CARGO_REGISTRIES_ACME_TOKEN": token}
        cargo.run("publish", "--workspace", "--no-verify", "--dry-run", cwd=workspace, env=env).ok()
        done = cargo.run("publish", "--workspace", "--no-verify", cwd=workspace, env=env).ok()
        assert "timed out" not in done.stderr
        again = cargo.run("publish", "-p", "foo", "--no-verify", cwd=workspace, env=env)
        again.failed("crate foo@1.0.0 already exists on `acme` index")
        cargo.run("owner", "--registry", "acme", "--add", "bob", "foo", env=env).ok()
        assert "bob" in cargo.run("owner", "--registry", "acme", "--list", "foo", env=env).ok().stdout
        cargo.run("owner", "--registry", "acme", "--remove", "bob", "foo", env=env).ok()
        found = cargo.run("search", "--registry", "acme", "ba", env=env).ok().stdout
        assert 'bar = "1.0.0"    # Says its name.' in found
        assert "version: 1.0.0" in cargo.run("info", "--registry", "acme", "baz", env=env).ok().stdout
        user = cargo.project('baz = { version = "1", registry = "acme" }', name="user")
        user.run("generate-lockfile", env=env).ok()
        assert user.locked() == {"foo": "1.0.0", "bar": "1.0.0", "baz": "1.0.0"}
        user.run("fetch", env={"CARGO_REGISTRIES_ACME_TOKEN": "csi_0_0"}).failed(
            "got 401", "this token is not known here"
        )
        user.run("login", "--registry", "acme", stdin=token).ok()
        user.run("fetch").ok()
        user.run("logout", "--registry", "acme").ok()


def test_cargo_publishes_through_nginx_set_up_as_the_guide_says(tmp_path: Path) -> None:
    port = free_port()
    served = Served(tmp_path, f'\n[publish]\nurl = "http://127.0.0.1:{port}"\n')
    (block,) = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    conf = block.replace("443 ssl", "443").replace("127.0.0.1:8000", f"127.0.0.1:{served.port}")
    conf = conf.replace("Proto https", "Proto http")
    with served.running("--publish"), open_folder() as empty, Nginx(empty, server=conf, port=port) as nginx:
        cargo = Cargo(tmp_path / "cargo", {"acme": nginx.url})
        env = {"CARGO_REGISTRIES_ACME_TOKEN": served.token()}
        package(cargo, "foo").run("publish", "--no-verify", env=env).ok()
        cargo.project('foo = { version = "1", registry = "acme" }').run("fetch").ok()
        assert {each.status for each in nginx.requests()} <= {200, 304, 404}
