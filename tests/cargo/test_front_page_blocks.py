"""Every block of the front page, and every line of a crate's page, does for the real cargo what it says."""

import html
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.crates import crate
from tests.registry.site.reading import text_of

pytestmark = pytest.mark.cargo


def block(ours: Ours, name: str) -> str:
    """Give the text of a block of the front page."""
    page = (ours.tree / "index.html").read_text()
    found = re.search(rf'id="use-{name}".*?<code>(.*?)</code>', page, re.DOTALL)
    assert found, name
    return html.unescape(found[1])


VARIABLES: Mapping[str, str] = {
    "github": r"^  (CARGO_\w+): (.+)$",
    "gitlab": r'^    (CARGO_\w+): "(.+)"$',
    "container": r'^ENV (CARGO_\w+)="(.+)"$',
}


def variables(ours: Ours, name: str) -> dict[str, str]:
    """Give the environment that a block sets."""
    return dict(re.findall(VARIABLES[name], block(ours, name), re.MULTILINE))


@pytest.mark.parametrize("name", VARIABLES)
def test_the_variables_of_a_block_are_all_that_a_build_needs(acme: Ours, tmp_path: Path, name: str) -> None:
    acme.publish(crate("foo"))
    project = Cargo(tmp_path / "cargo").project(acme.needs("foo"), code="use foo as _;")
    project.run("build").failed("acme")
    project.run("build", env=variables(acme, name)).ok()
    assert project.sources() == {"foo": acme.index}
    (command,) = re.findall(r"cargo ((?:test|build)[^\n]*)", block(acme, name))
    project.run(*command.split(), env=variables(acme, name)).ok()


@pytest.mark.parametrize("name", VARIABLES)
def test_the_variables_of_a_private_registry_make_cargo_send_the_token(
    found: Callable[..., Ours], tmp_path: Path, name: str
) -> None:
    private = found("inner-circle", registry_auth_required=True)
    private.publish(crate("foo"))
    environment = variables(private, name)
    assert block(private, name).count("CARGO_REGISTRIES_INNER_CIRCLE_TOKEN") == (0 if name == "gitlab" else 1)
    project = Cargo(tmp_path / "cargo").project(private.needs("foo"), code="use foo as _;")
    told = {key: value for key, value in environment.items() if not key.endswith("_TOKEN")}
    project.run("build", env=told).failed("token")
    project.run("build", env=told | {"CARGO_REGISTRIES_INNER_CIRCLE_TOKEN": "secret"}).ok()


def test_the_configuration_that_is_shown_is_all_that_cargo_needs(acme: Ours, tmp_path: Path) -> None:
    acme.publish(crate("foo"))
    project = Cargo(tmp_path / "cargo", config=block(acme, "local")).project(acme.needs("foo"), code="use foo as _;")
    project.run("build").ok()
    assert project.sources() == {"foo": acme.index}


@pytest.mark.parametrize("private", [False, True])
def test_the_configuration_of_a_mirror_leads_cargo_here_instead_of_to_crates_io(
    found: Callable[..., Ours], tmp_path: Path, private: bool
) -> None:
    mirror = found("mirror", registry_mode="mirror", registry_auth_required=private)
    mirror.publish(crate("foo"))
    cargo = Cargo(tmp_path / "cargo", crates_io=True, config=block(mirror, "local"))
    project = cargo.project('foo = "1"\n', code="use foo as _;")
    if private:
        project.run("build").failed("no token found for `mirror`")
        (cargo.home / "credentials.toml").write_text(block(mirror, "login"))
    project.run("build").ok()
    assert project.sources() == {"foo": "registry+https://github.com/rust-lang/crates.io-index"}


def test_token_and_configuration_of_a_private_registry_are_all_that_a_person_needs(
    found: Callable[..., Ours], tmp_path: Path
) -> None:
    private = found("inner", registry_auth_required=True)
    private.publish(crate("foo"))
    cargo = Cargo(tmp_path / "cargo", config=block(private, "local"))
    project = cargo.project(private.needs("foo"), code="use foo as _;")
    project.run("build").failed("no token found for `inner`")
    (cargo.home / "credentials.toml").write_text(block(private, "login"))
    project.run("build").ok()


def test_where_there_is_a_web_api_cargo_itself_asks_for_the_token(found: Callable[..., Ours], tmp_path: Path) -> None:
    private = found("inner", registry_auth_required=True, publish_url="https://api.example.com")
    private.publish(crate("foo"))
    cargo = Cargo(tmp_path / "cargo", config=block(private, "local"))
    program, *arguments = block(private, "login").split()
    assert program == "cargo"
    cargo.run(*arguments, "secret").ok()
    cargo.project(private.needs("foo"), code="use foo as _;").run("build").ok()


def test_the_manifest_that_is_shown_depends_on_this_registry_and_publishes_to_no_other(
    acme: Ours, tmp_path: Path
) -> None:
    acme.publish(crate("some-crate"))
    shown = block(acme, "manifest")
    package, dependencies = shown.removeprefix("[package]\n").split("\n[dependencies]\n")
    project = Cargo(tmp_path / "cargo", {"acme": acme.url}).project(dependencies, package=package)
    project.run("build").ok()
    project.run("publish", "--registry", "crates-io", "--dry-run", "--allow-dirty").failed("publish")


def lines(ours: Ours, page: str, begin: str) -> list[list[str]]:
    """Give the lines of a page that begin so, each as words."""
    return [line.split() for line in text_of((ours.tree / page).read_bytes()).splitlines() if line.startswith(begin)]


@pytest.mark.parametrize("mode", ["registry", "mirror"])
def test_the_lines_of_a_crates_page_and_of_a_version_add_and_install_it(
    found: Callable[..., Ours], tmp_path: Path, mode: str
) -> None:
    ours = found("inner", registry_mode=mode)
    ours.publish(*(crate("tool", vers).file("src/main.rs", "fn main() {}") for vers in ("1.0.0", "1.1.0")))
    cargo = Cargo(tmp_path / "cargo", crates_io=True, config=block(ours, "local"))
    for page, wanted in (("crates/tool/index.html", "1.1.0"), ("crates/tool/1.0.0/index.html", "1.0.0")):
        ((_, *add),) = lines(ours, page, "cargo add ")
        ((_, *install),) = lines(ours, page, "cargo install ")
        (toml,) = lines(ours, page, "tool = ")
        project = cargo.project(name=f"with-{wanted.replace('.', '-')}")
        project.run(*add).ok()
        assert f'"{wanted}"' in project.manifest.read_text()
        project.run("build").ok()
        cargo.project(f"{' '.join(toml)}\n", code="use tool as _;").run("build").ok()
        installed = cargo.run(*install, "--root", str(tmp_path / wanted)).ok()
        assert f"Installed package `tool v{wanted}" in installed.stderr


def test_a_mirrors_blocks_leave_everything_to_the_file_that_is_committed(found: Callable[..., Ours]) -> None:
    mirror = found("mirror", registry_mode="mirror")
    mirror.publish(crate("foo"))
    for name in VARIABLES:
        assert variables(mirror, name) == {}
    assert "use-manifest" not in (mirror.tree / "index.html").read_text()
