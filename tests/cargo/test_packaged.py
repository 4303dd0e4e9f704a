"""Crates that the real `cargo package` made from sources, published and built again."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.tools import need

pytestmark = pytest.mark.cargo


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def package(cargo: Cargo, folder: Path, *options: str) -> list[Path]:
    """Run `cargo package` in a folder, and give the archives."""
    cargo.run("package", "--allow-dirty", *options, cwd=folder).ok()
    return sorted((cargo.target / "package").glob("*.crate"))


def manifest(name: str, more: str = "", version: str = "0.1.0") -> str:
    return (
        f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\nlicense = "MIT"\n'
        f'description = "d"\n{more}\n'
    )


def committed(folder: Path) -> str:
    """Commit all that is in a folder, and give the commit."""

    def git(*options: str) -> str:
        said = subprocess.run([need("git"), *options], cwd=folder, capture_output=True, text=True, check=True)
        return said.stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "All")
    return git("rev-parse", "HEAD")


def test_a_packaged_crate_keeps_every_kind_of_dependency(acme: Ours, cargo: Cargo, tmp_path: Path) -> None:
    helpers = tmp_path / "helpers"
    for name in ("plain", "renamed", "optional", "on-unix", "maker", "tester"):
        code = f'pub const NAME: &str = "{name}";\n'
        write(helpers, {f"{name}/Cargo.toml": manifest(name, "[features]\nextra = []"), f"{name}/src/lib.rs": code})
    write(helpers, {"Cargo.toml": '[workspace]\nmembers = ["*"]\nresolver = "2"\n'})
    acme.publish(*package(cargo, helpers, "--no-verify", "--workspace"))
    needs = (
        f"[dependencies]\n{acme.needs('plain', '0.1')}"
        + acme.needs("alias", "0.1.0", 'package = "renamed"')
        + acme.needs("optional", ">= 0.1, < 0.2", "optional = true")
        + f"[target.'cfg(unix)'.dependencies]\n{acme.needs('on-unix', '0.1.x', 'default-features = false')}"
        + f"[build-dependencies]\n{acme.needs('maker', '~0.1')}"
        + f"[dev-dependencies]\n{acme.needs('tester', '0.1')}"
        + '[features]\nfull = ["dep:optional", "plain/extra", "tester/extra"]\nweak = ["optional?/extra"]\n'
    )
    code = """
        pub fn names() -> Vec<&'static str> {
            let mut names = vec![plain::NAME, alias::NAME, env!("MAKER")];
            #[cfg(unix)] names.push(on_unix::NAME);
            #[cfg(feature = "full")] names.push(optional::NAME);
            names
        }
    """
    top = tmp_path / "top"
    build = 'fn main() { println!("cargo:rustc-env=MAKER={}", maker::NAME); }'
    write(top, {"Cargo.toml": manifest("top", needs), "src/lib.rs": code, "build.rs": build})
    # Cargo itself builds the package from the registry here, before it is published.
    acme.publish(*package(cargo, top))
    [line] = acme.lines("top")
    assert {dep["name"]: (dep["kind"], dep["req"]) for dep in line["deps"]} == {
        "plain": ("normal", "^0.1"),
        "alias": ("normal", "^0.1.0"),
        "optional": ("normal", ">=0.1, <0.2"),
        "on-unix": ("normal", "0.1.*"),
        "maker": ("build", "~0.1"),
        "tester": ("dev", "^0.1"),
    }
    more = 'features = ["full", "weak"]'
    project = cargo.project(acme.needs("top", "0.1", more), code="pub fn f() -> usize { top::names().len() }")
    project.run("build").ok()
    assert set(project.locked()) == {"top", "plain", "renamed", "optional", "on-unix", "maker"}


@pytest.mark.case(87)
@pytest.mark.parametrize("order", ["together", "dependents first"])
def test_a_workspace_whose_crates_need_each_other_is_published_in_any_order(
    acme: Ours, cargo: Cargo, tmp_path: Path, order: str
) -> None:
    workspace = tmp_path / "workspace"
    member = f'{{ path = "../%s", version = "0.1", registry = "{acme.name}" }}'
    needs = {
        "apex": f"[dependencies]\nmiddle = {member % 'middle'}\nbase = {member % 'base'}",
        "middle": "[dependencies]\nbase.workspace = true\n",
        "base": "",
    }
    shared = f"[workspace.dependencies]\nbase = {member.replace('../', '') % 'base'}\n"
    write(workspace, {"Cargo.toml": f'[workspace]\nmembers = ["apex", "middle", "base"]\nresolver = "2"\n{shared}'})
    for name, text in needs.items():
        write(workspace, {f"{name}/Cargo.toml": manifest(name, text), f"{name}/src/lib.rs": "pub fn f() {}"})
    acme.publish()
    archives = package(cargo, workspace, "--workspace", "--registry", "acme")
    assert [path.name for path in archives] == ["apex-0.1.0.crate", "base-0.1.0.crate", "middle-0.1.0.crate"]
    if order == "together":
        acme.publish(*archives)
    else:
        apex, base, middle = archives
        for each in (apex, middle, base):
            acme.publish(each)
    project = cargo.project(acme.needs("apex", "0.1"), code="pub fn f() { apex::f() }")
    project.run("build").ok()
    assert set(project.locked()) == {"apex", "middle", "base"}


def test_what_cargo_copies_into_packages_leads_to_where_it_lies(acme: Ours, cargo: Cargo, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    shared = '[workspace.package]\nlicense-file = "LICENSE"\nreadme = "README.md"\n'
    write(workspace, {"Cargo.toml": f'[workspace]\nmembers = ["crates/*"]\nresolver = "2"\n{shared}'})
    write(workspace, {"LICENSE": "Ask Acme.\n", "README.md": "[guide](docs/guide.md)\n"})
    told = {
        "inherits": "license-file.workspace = true\nreadme.workspace = true",
        "names": 'license-file = "../../LICENSE"\nreadme = "../../README.md"',
    }
    for name, lines in told.items():
        head = f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\ndescription = "d"\n'
        text = f'{head}repository = "https://github.com/acme/mono"\n{lines}\n'
        write(workspace / "crates" / name, {"Cargo.toml": text, "src/lib.rs": ""})
    commit = committed(workspace)
    acme.publish(*package(cargo, workspace, "--workspace", "--no-verify"))
    for name in told:
        page = acme.tree.joinpath("crates", name, "index.html").read_text()
        assert f'href="https://github.com/acme/mono/blob/{commit}/LICENSE"' in page
        assert f'href="https://github.com/acme/mono/blob/{commit}/docs/guide.md"' in page


@pytest.mark.case(53)
def test_a_packaged_crate_names_two_registries_as_cargo_writes_them(found: Callable[..., Ours], tmp_path: Path) -> None:
    second = found("second")
    acme = found("acme", dependencies_allowed=[second.index])
    cargo = Cargo(tmp_path / "cargo", {"acme": acme.url, "second": second.url})
    for ours, name in ((second, "far"), (acme, "near")):
        write(tmp_path / name / "source", {"Cargo.toml": manifest(name), "src/lib.rs": ""})
        maker = Cargo(tmp_path / name, {"acme": acme.url, "second": second.url})
        ours.publish(*package(maker, tmp_path / name / "source"))
    text = f"[dependencies]\n{acme.needs('near', '0.1')}{second.needs('far', '0.1')}"
    write(tmp_path / "top", {"Cargo.toml": manifest("top", text), "src/lib.rs": "use {far as _, near as _};"})
    acme.publish(*package(cargo, tmp_path / "top"))
    registries = {dep["name"]: dep.get("registry") for dep in acme.lines("top")[0]["deps"]}
    assert registries == {"near": None, "far": second.index}
    project = cargo.project(acme.needs("top", "0.1"), code="use top as _;")
    project.run("build").ok()
    assert project.sources() == {"top": acme.index, "near": acme.index, "far": second.index}


def test_the_forgotten_registry_is_refused_with_the_line_to_write(acme: Ours, cargo: Cargo, tmp_path: Path) -> None:
    write(tmp_path / "base", {"Cargo.toml": manifest("base"), "src/lib.rs": ""})
    acme.publish(*package(cargo, tmp_path / "base"))
    text = '[dependencies]\nbase = { version = "0.1", path = "../base" }'
    write(tmp_path / "top", {"Cargo.toml": manifest("top", text), "src/lib.rs": ""})
    [archive] = [
        path for path in package(cargo, tmp_path / "top", "--no-verify", "--exclude-lockfile") if "top" in path.name
    ]
    with acme.opened() as registry:
        registry.add([archive])
    [outcome] = acme.report.of("refused")
    [problem] = [each for each in outcome.problems if each.rule == "dependency-likely-ours"]
    assert 'registry = "acme"' in problem.way_out
