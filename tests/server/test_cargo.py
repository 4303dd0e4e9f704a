"""The real cargo against the real process: publish, yank, and build of what was just published."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.cargo.client import Cargo, Project
from tests.cli.program import run
from tests.server.serving import Served
from tests.servers import Nginx, free_port, open_folder

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


@contextmanager
def registry(where: str, kind: str, folder: Path) -> Iterator[tuple[Cargo, Served]]:
    """Run an endpoint, "directly" or behind "nginx" that is set up as `hosting` says, and give a cargo for it.

    A "private" one asks for a token for all; the cargo has alice's, which variables hold as long as the block lasts.
    """
    private = kind == "private"
    with open_folder() as home, ExitStack() as stack:
        port = free_port()
        front = f"http://127.0.0.1:{port}/" if where == "nginx" else ""
        url = f'[publish]\nurl = "{front.rstrip("/")}"\n' if front else ""
        served = Served(home, f"auth-required = {str(private).lower()}\n{url}", front)
        served.tokens |= {user: served.token(user) for user in ("alice", "bob")}
        stack.enter_context(served.running("--publish"))
        if front:
            endpoint = ["--endpoint", f"127.0.0.1:{served.port}", *(["--private", "all"] if private else [])]
            site = served.run("hosting", "nginx", *endpoint).ok()
            stack.enter_context(Nginx(served.tree, server=site, port=port))
        keeper = '[registry]\nglobal-credential-providers = ["cargo:token"]\n' if private else ""
        yield Cargo(folder, {"acme": front or served.url}, config=keeper), served


def members(cargo: Cargo, needs: Mapping[str, str | None]) -> Path:
    """Write a workspace of packages, each with the other member that it needs, and give its folder."""
    folder = cargo.folder / "all"
    for name, other in needs.items():
        needed = f'{other} = {{ path = "../{other}", version = "1", registry = "acme" }}' if other else ""
        manifest = package(cargo, f"all/{name}", dependencies=needed).manifest
        text = manifest.read_text().replace(f'name = "all/{name}"', f'name = "{name}"')
        manifest.write_text(text.replace("[workspace]\n", ""))
    (folder / "Cargo.toml").write_text(f'[workspace]\nmembers = {json.dumps(list(needs))}\nresolver = "2"\n')
    return folder


@pytest.mark.case(101)
@pytest.mark.case(102)
@pytest.mark.case(103)
@pytest.mark.case(104)
@pytest.mark.parametrize(("where", "kind"), [("directly", "open"), ("nginx", "private")])
def test_every_command_of_cargo_works(where: str, kind: str, tmp_path: Path) -> None:
    with registry(where, kind, tmp_path) as (cargo, served):
        foo = package(cargo, "foo")
        if kind == "private":
            foo.run("publish").failed("no token found for `acme`, please run `cargo login --registry acme`")
        foo.run("login", "--registry", "acme", stdin=served.tokens["alice"]).ok()
        assert "Uploading" in foo.run("publish", "--dry-run").ok().stderr
        assert not (served.tree / "index/3/f/foo").exists()
        done = foo.run("publish").ok().stderr
        assert ("Published foo v1.0.0" in done, "timed out" in done) == (True, False)
        foo.run("publish", "--no-verify").failed("crate foo@1.0.0 already exists on `acme` index")
        user = cargo.project(code="pub fn it() -> &'static str { foo::says() }", name="user")
        user.run("add", "--registry", "acme", "foo").ok()
        user.run("build").ok()
        assert user.locked() == {"foo": "1.0.0"}

        workspace = members(cargo, {"ring": None, "rope": "ring", "anchor": "rope"})
        cargo.run("publish", "--workspace", "--dry-run", cwd=workspace).ok()
        assert "timed out" not in cargo.run("publish", "--workspace", cwd=workspace).ok().stderr
        user = cargo.project('anchor = { version = "1", registry = "acme" }', code="use anchor as _;", name="sailor")
        user.run("build").ok()
        assert user.locked() == {"anchor": "1.0.0", "ring": "1.0.0", "rope": "1.0.0"}

        cargo.run("yank", "--registry", "acme", "foo@1.0.0").ok()
        late = cargo.project('foo = { version = "1", registry = "acme" }', name="late")
        late.run("generate-lockfile").failed("yanked")
        cargo.run("yank", "--registry", "acme", "--undo", "foo@1.0.0").ok()
        late.run("generate-lockfile").ok()
        cargo.run("yank", "--registry", "acme", "foo@2.0.0").failed("there is no release foo 2.0.0 in this registry")

        cargo.run("owner", "--registry", "acme", "--add", "bob", "foo").ok()
        assert cargo.run("owner", "--registry", "acme", "--list", "foo").ok().stdout.split() == ["alice", "bob"]
        cargo.run("owner", "--registry", "acme", "--remove", "bob", "foo").ok()
        cargo.run("owner", "--registry", "acme", "--remove", "alice", "foo").failed("the last owner")
        assert 'rope = "1.0.0"    # Says its name.' in cargo.run("search", "--registry", "acme", "ro").ok().stdout
        assert "version: 1.0.0" in cargo.run("info", "--registry", "acme", "anchor").ok().stdout
        cargo.run("logout", "--registry", "acme").ok()
        cargo.run("owner", "--registry", "acme", "--list", "foo").failed("cargo login")
        wrong = {"CARGO_REGISTRIES_ACME_TOKEN": "csi_0_0"}
        cargo.run("yank", "--registry", "acme", "foo@1.0.0", env=wrong).failed("401")


@pytest.mark.case(102)
def test_thirty_members_are_published_at_once(tmp_path: Path) -> None:
    with registry("nginx", "private", tmp_path) as (cargo, served):
        needs = {f"part{number}": f"part{(number - 1) // 5}" if number else None for number in range(30)}
        env = {"CARGO_REGISTRIES_ACME_TOKEN": served.tokens["alice"]}
        done = cargo.run("publish", "--workspace", "--no-verify", cwd=members(cargo, needs), env=env).ok()
        assert "timed out" not in done.stderr
        every = "".join(f'{name} = {{ version = "1", registry = "acme" }}\n' for name in needs)
        user = cargo.project(every)
        user.run("fetch", env=env).ok()
        assert user.locked() == dict.fromkeys(needs, "1.0.0")
