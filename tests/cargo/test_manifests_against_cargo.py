"""The real cargo reads the manifests that we read: what it refuses we refuse, of what we accept it reads the same.

No server: cargo unpacks from a local registry, whose lines are ours, and packages workspaces against an index in git.
"""

import io
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cargo_static_index.crate.check import CheckedCrate, check_crate
from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.crate.policy import Policy
from cargo_static_index.protocol.index_entry import Dependency, Entry, format_entry
from cargo_static_index.protocol.manifest.manifest import Manifest, entry_of
from cargo_static_index.protocol.names import index_path
from cargo_static_index.protocol.registries import Home
from tests.cargo.localregistry import LocalRegistry
from tests.crates import crate
from tests.protocol.manifest.test_checks import REFUSED, TAKEN
from tests.tools import need

pytestmark = pytest.mark.cargo

MIRROR = Policy(home=Home(mode="mirror"))
CRATES_IO = "https://github.com/rust-lang/crates.io-index"

MORE_TAKEN: list[tuple[str, tuple[str, ...]]] = [
    (text, ("src/lib.rs",))
    for text in (
        'description = "\\u001b[31m\\u0000"\nhomepage = "x"\ndocumentation = "é"\nrepository = ""\nlicense = ""',
        'authors = []\nkeywords = ["k"]\ncategories = ["c", "c"]\nlicense-file = "absent"\nreadme = "absent.md"',
        'publish = ["a b", ""]\nexclude = ["[["]\nautotests = false',
        "readme = true",
        "unknown = 1\n[unknown]\na = 1\n[package.metadata]\nx = 1979-05-27T07:32:00Z\ny = inf",
        '[lib]\ncrate_type = ["rlib"]\nproc_macro = false',
        '[lib]\nproc-macro = true\ncrate-type = ["lib"]',
        "[lib]\nproc-macro = true",
        'edition = "2024"\n[dependencies.a]\nversion = "1"\noptional = true\n[features]\nx = ["a/y"]',
        '[dependencies]\na = "1"\n[dev_dependencies]\na = "1"\n[build_dependencies]\na = { version = "1" }',
        '[dependencies]\n_b = { version = "1.x", package = "a" }',
        '[dependencies]\na = { version = ">= 1, <2", package = "a" }\n[build-dependencies]\na = "*"',
        '[dependencies.a]\nversion = "1.0.0+meta"\nfeatures = ["x", "x", "y"]\ndefault_features = false',
        '[dependencies.a]\nversion = "~1.0"\ngit = "https://g.example/"\nrev = "r"',
        '[dependencies.a]\nversion = "=1.0.0"\npath = "../a"\nunknown = 1\npublic = true',
        '[target."cfg(unix)".dependencies]\na = "1"\n[target.odd-name.build-dependencies]\na = "1"',
        '[target."cfg(all(not(windows), any(unix, x = \\"y\\")))".dev-dependencies.a]\nversion = "1"\nfeatures = ["x"]',
        '[target."cfg(unix)".dependencies.a]\nversion = "1"\noptional = true\n[features]\nf = ["a?/x", "a"]',
        '[dependencies.a]\nversion = "1"\noptional = true\n[features]\nf = ["dep:a"]\na = []',
        '[dependencies]\na = { version = "1", optional = true }\n[target.x.dependencies]\na = "1"',
        '[features]\na = ["b"]\nb = ["a"]\nc = ["c"]\ndefault = ["a", "a"]\n1 = []\n_x = []\n"a+b" = []\n"é" = []',
        '[dev-dependencies.a]\nversion = "1"\n[features]\nf = ["a/x"]',
        '[build-dependencies.a]\nversion = "1"\noptional = true\n[features]\nf = ["a"]',
    )
]  # fmt: skip
SAME = (
    "version", "edition", "rust_version", "links", "description", "homepage", "documentation", "repository",
    "license", "license_file", "readme", "authors", "keywords", "categories", "publish",
)  # fmt: skip
"""What `cargo metadata` calls as we do."""


def built(name: str, text: str, files: tuple[str, ...]) -> bytes:
    builder = crate(name).manifest(f'[package]\nname = "{name}"\nversion = "1.0.0"\n{text}\n').without("src/lib.rs")
    for path in files:
        builder.file(path)
    return builder.build()


def helpers(*names: str) -> dict[str, bytes]:
    """Give crates for others to depend on, with features to turn on."""
    return {name: crate(name).feature("x").feature("y").build() for name in names}


def read(content: bytes, policy: Policy = MIRROR) -> CheckedCrate:
    return check_crate(io.BytesIO(content), policy)


def accepted(content: bytes, policy: Policy = MIRROR) -> CrateMetadata:
    reading = read(content, policy)
    assert not reading.refused, reading.problems
    assert reading.metadata is not None
    return reading.metadata


def line(metadata: CrateMetadata, home: Home) -> bytes:
    return format_entry(entry_of(metadata.manifest, cksum=metadata.cksum, home=home))


# what cargo reads of a manifest, and what we do


@pytest.mark.parametrize(("text", "files"), [each[:2] for each in REFUSED])
def test_cargo_refuses_what_we_refuse(text: str, files: tuple[str, ...], tmp_path: Path) -> None:
    content = built("foo", text, files)
    assert read(content).refused
    outcome = LocalRegistry(tmp_path, {"foo": content}).metadata()
    assert outcome.code != 0
    assert "foo-1.0.0/Cargo.toml" in outcome.stderr or "panicked" in outcome.stderr


@pytest.mark.case(24)
@pytest.mark.case(55)
@pytest.mark.case(60)
def test_cargo_reads_what_we_accept_as_we_do(tmp_path: Path) -> None:
    cases = {f"case{number}": each for number, each in enumerate((*TAKEN, *MORE_TAKEN))}
    crates = helpers("a") | {name: built(name, *case) for name, case in cases.items()}
    metadata = {name: accepted(content) for name, content in crates.items()}
    lines = {name: line(each, MIRROR.home) for name, each in metadata.items()}
    packages = LocalRegistry(tmp_path, crates, lines).packages()
    for name, (text, files) in cases.items():
        if name not in packages:
            # Cargo leaves out what has no library for others.
            assert metadata[name].manifest.lib is None, (text, files)
            continue
        assert ours(metadata[name].manifest) == theirs(packages[name]), (text, files)


def ours(manifest: Manifest) -> dict[str, Any]:
    """Give what we read, by the names of `cargo metadata`."""
    dependencies = [
        {
            "name": each.package or each.name,
            "rename": each.name if each.package else None,
            "req": each.req,
            "kind": None if each.kind == "normal" else each.kind,
            "optional": each.optional,
            "uses_default_features": each.default_features,
            "features": list(each.features),
            "target": each.target,
        }
        for each in manifest.dependencies
    ]
    implicit = {
        each.name: [f"dep:{each.name}"]
        for each in manifest.dependencies
        if each.optional and each.name not in manifest.features and not _says_dep(manifest, each.name)
    }
    return {key: _listed(getattr(manifest, key)) for key in SAME} | {
        "dependencies": sorted(dependencies, key=repr),
        "features": {name: list(values) for name, values in manifest.features.items()} | implicit,
        "lib": manifest.lib,
        "proc_macro": manifest.proc_macro,
        "bins": list(manifest.bins),
    }


def _says_dep(manifest: Manifest, name: str) -> bool:
    return any(f"dep:{name}" in values for values in manifest.features.values())


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def theirs(package: Mapping[str, Any]) -> dict[str, Any]:
    """Give what `cargo metadata` says, with our names for the targets."""
    keys = ("name", "rename", "req", "kind", "optional", "uses_default_features", "features", "target")
    dependencies = [{key: each[key] for key in keys} for each in package["dependencies"]]
    others = {"bin", "example", "test", "bench", "custom-build"}
    libs = [each for each in package["targets"] if others.isdisjoint(each["kind"])]
    return {key: package[key] for key in SAME} | {
        "dependencies": sorted(dependencies, key=repr),
        "features": package["features"],
        "lib": libs[0]["name"] if libs else None,
        "proc_macro": bool(libs) and libs[0]["kind"] == ["proc-macro"],
        "bins": sorted(each["name"] for each in package["targets"] if each["kind"] == ["bin"]),
    }


# what cargo packages, and the lines that it writes itself

AUTHORS = {
    "Cargo.toml": """
        [workspace]
        members = ["*"]
        exclude = ["target"]
        resolver = "2"
        [workspace.package]
        version = "1.0.0"
        edition = "2021"
        license = "MIT"
        description = "d"
        authors = ["A <a@example.com>"]
        rust-version = "1.70"
        keywords = ["k"]
        categories = ["algorithms"]
        homepage = "https://h.example/"
        repository = "https://r.example/"
        documentation = "https://d.example/"
        readme = "README.md"
        publish = ["acme"]
        [workspace.dependencies]
        leaf = { path = "leaf", version = "1.0", registry = "acme" }
        help = { version = "1", default-features = false, features = ["x"] }
        own = { version = "1", registry = "acme", features = ["y"] }
        [workspace.lints.rust]
        unused = "warn"
    """,
    "README.md": "# Read me",
    "leaf/Cargo.toml": """
        [package]
        name = "leaf"
        version.workspace = true
        edition.workspace = true
        license.workspace = true
        description.workspace = true
        authors.workspace = true
        rust-version.workspace = true
        keywords.workspace = true
        categories.workspace = true
        homepage.workspace = true
        repository.workspace = true
        documentation.workspace = true
        readme.workspace = true
        publish.workspace = true
        [lints]
        workspace = true
        [features]
        f = []
        default = ["f"]
    """,
    "inherits/Cargo.toml": """
        [package]
        name = "inherits"
        version.workspace = true
        edition.workspace = true
        [dependencies]
        leaf.workspace = true
        help = { workspace = true, features = ["y"], optional = true }
        own = { workspace = true, optional = true }
        [dev-dependencies]
        help.workspace = true
        [features]
        f = ["help?/y", "leaf/f", "dep:own"]
    """,
    "renames/Cargo.toml": """
        [package]
        name = "Renames_and-cases"
        version = "1.0.0-rc.1+build.5"
        edition = "2018"
        publish = ["acme", "other"]
        readme = false
        [dependencies]
        first = { package = "help", version = "1" }
        second = { package = "third", version = ">= 1 , <2.0.0", features = ["x"], default-features = false }
        fourth = { package = "fourth", version = "1.x" }
        _third = { package = "own", version = "1.0.0+meta", registry = "acme" }
        leaf = { path = "../leaf", version = "*", registry = "acme", default-features = false }
    """,
    "targets/Cargo.toml": """
        [package]
        name = "targets"
        version = "1.0.0"
        [dependencies]
        help = "1"
        [dev_dependencies]
        help = { version = "1", features = ["y"] }
        [build_dependencies]
        help = "1"
        [target."cfg( any( unix , windows ) )".dependencies]
        own = { version = "~1.0", registry = "acme", optional = true, default_features = false }
        [target."cfg(all(target_os = \\"linux\\", not(panic = \\"x\\")))".build-dependencies]
        own = { version = "=1.0.0", registry = "acme" }
        [target.x86_64-unknown-linux-gnu.dev-dependencies]
        own = { version = "1, 1.0", registry = "acme" }
        [features]
        default = ["own"]
    """,
    "programs/Cargo.toml": """
        [package]
        name = "programs"
        version = "1.0.0"
        edition = "2024"
        rust-version = "1.85"
        links = "z"
        default-run = "tool"
        license-file = "LICENCE"
        [lib]
        name = "programs_lib"
        crate-type = ["rlib", "cdylib"]
        [[bin]]
        name = "tool"
        path = "src/tool.rs"
        required-features = ["f"]
        [features]
        f = []
        [profile.release]
        lto = "thin"
        [badges]
        maintenance = { status = "experimental" }
        [package.metadata.docs.rs]
        all-features = true
    """,
    "derives/Cargo.toml": """
        [package]
        name = "derives"
        version = "1.0.0"
        edition = "2021"
        [lib]
        proc-macro = true
        [dependencies]
        leaf = { path = "../leaf", version = "1", registry = "acme", features = ["f"] }
        [dev-dependencies]
        inherits = { path = "../inherits" }
        help = { version = "1", features = [] }
        [features]
        f = ["inherits/f", "help/x"]
        [patch.crates-io]
    """,
}
SOURCES = ("programs/build.rs", "programs/LICENCE", "programs/src/tool.rs", "programs/src/bin/other.rs")


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let cargo package the workspace of AUTHORS; give the folder that `index`, `dl` and `target/package` lie in."""
    folder = tmp_path_factory.mktemp("authors")
    config = f'[registries.acme]\nindex = "{(folder / "index").as_uri()}"\n'
    local = shelf(folder, config)
    own = helpers("own")["own"]
    publish(folder, {"own": (own, line(accepted(own), MIRROR.home))})
    texts = AUTHORS | dict.fromkeys(SOURCES, "")
    for member in {path.partition("/")[0] for path in AUTHORS if "/" in path}:
        texts[f"{member}/src/lib.rs"] = ""
    for path, text in texts.items():
        write(folder / "authors" / path, text)
    arguments = ("package", "--registry", "acme", "--workspace", "--no-verify", "--allow-dirty")
    local.cargo.run(*arguments, cwd=folder / "authors").ok()
    return folder


def shelf(folder: Path, config: str) -> LocalRegistry:
    """Give what stands for crates.io to the workspace of AUTHORS."""
    crates = helpers("help", "third", "fourth")
    lines = {name: line(accepted(content), MIRROR.home) for name, content in crates.items()}
    return LocalRegistry(folder, crates, lines, config=config)


def publish(folder: Path, crates: Mapping[str, tuple[bytes, bytes]]) -> None:
    """Write archives and lines into an index in git, whose URL has the scheme `file`."""
    index, archives = folder / "index", folder / "dl"
    archives.mkdir(exist_ok=True)
    write(index / "config.json", json.dumps({"dl": f"{archives.as_uri()}/{{crate}}-{{version}}.crate"}))
    for name, (content, text) in crates.items():
        entry = json.loads(text)
        (archives / f"{name}-{entry['vers']}.crate").write_bytes(content)
        write(index / index_path(name), text.decode())
    person = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    for command in (("init", "-q"), ("add", "."), (*person, "commit", "-q", "-m", "x")):
        subprocess.run([need("git"), *command], cwd=index, check=True, capture_output=True)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def at_home(folder: Path) -> Policy:
    return Policy(home=Home(urls=((folder / "index").as_uri(),)), registry_name="acme")


def archives(folder: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in (folder / "cargo/target/package/tmp-crate").glob("*.crate")}
    assert len(found) == len(AUTHORS) - 2
    return found


def test_what_cargo_packages_is_accepted_without_a_word(packaged: Path) -> None:
    for name, content in archives(packaged).items():
        reading = check_crate(io.BytesIO(content), at_home(packaged), name)
        allowed = {"wildcard-requirement"} if name.startswith("Renames") else set()
        assert {each.rule for each in reading.problems} == allowed, name
        assert not reading.refused


@pytest.mark.case(21)
@pytest.mark.case(22)
@pytest.mark.case(28)
@pytest.mark.case(29)
@pytest.mark.case(44)
@pytest.mark.case(45)
@pytest.mark.case(47)
def test_our_lines_say_what_cargo_s_own_lines_say(packaged: Path) -> None:
    own = (packaged / "cargo/target/package/tmp-registry/index").rglob("*")
    lines = {each["cksum"]: each for path in own if path.is_file() for each in [json.loads(path.read_text())]}
    policy = at_home(packaged)
    compared = 0
    for content in archives(packaged).values():
        metadata = accepted(content, policy)
        entry = entry_of(metadata.manifest, cksum=metadata.cksum, home=policy.home)
        assert said(entry) == told(lines[metadata.cksum])
        compared += 1
    assert compared == len(lines) == len(AUTHORS) - 2


def said(entry: Entry) -> dict[str, Any]:
    """Give what a line of ours means, without `rust_version`, which cargo leaves out of its own."""
    return {
        "name": entry.name,
        "vers": entry.vers,
        "links": entry.links,
        "features": {key: list(values) for key, values in {**entry.features, **(entry.features2 or {})}.items()},
        "deps": sorted((_dependency(each) for each in entry.deps), key=repr),
    }


def _dependency(stated: Dependency) -> dict[str, Any]:
    return {
        "name": stated.name,
        "req": stated.req,
        "features": list(stated.features),
        "optional": stated.optional,
        "default_features": stated.default_features,
        "target": _reprinted(stated.target),
        "kind": stated.kind,
        "registry": stated.registry,
        "package": stated.package,
    }


def _reprinted(target: str | None) -> str | None:
    """Leave out blanks: cargo writes a `cfg(…)` anew, we keep what the author wrote, as crates.io does."""
    return None if target is None else re.sub(r" ", "", target)


def told(line: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a line of cargo's means."""
    keys = ("name", "req", "features", "optional", "default_features", "kind", "registry", "package")
    deps = [{key: each[key] for key in keys} | {"target": _reprinted(each["target"])} for each in line["deps"]]
    return {key: line[key] for key in ("name", "vers", "links")} | {
        "features": {**line["features"], **(line["features2"] or {})},
        "deps": sorted(({key: each[key] for key in (*keys[:5], "target", *keys[5:])} for each in deps), key=repr),
    }


@pytest.mark.case(53)
@pytest.mark.case(59)
def test_cargo_resolves_and_reads_what_it_packaged_by_our_lines(packaged: Path, tmp_path: Path) -> None:
    policy = at_home(packaged)
    metadata = {name: accepted(content, policy) for name, content in archives(packaged).items()}
    found = {each.manifest.name: (archives(packaged)[name], line(each, policy.home)) for name, each in metadata.items()}
    own = (packaged / "dl/own-1.0.0.crate").read_bytes()
    # The lines' own registry is the one that they are read from, wherever that lies.
    publish(tmp_path, {**found, "own": (own, line(accepted(own), MIRROR.home))})
    config = f'[registries.acme]\nindex = "{(tmp_path / "index").as_uri()}"\n'
    local = shelf(tmp_path, config)
    needs = [f'{name} = {{ version = "*", registry = "acme" }}\n' for name in found if not name.startswith("R")]
    needs.append('Renames_and-cases = { version = "1.0.0-rc.1", registry = "acme" }\n')
    project = local.cargo.project("".join(needs))
    outcome = local.cargo.run("metadata", "--format-version", "1", cwd=project.folder).ok()
    packages = {each["name"]: each for each in json.loads(outcome.stdout)["packages"]}
    for each in metadata.values():
        expected = ours(each.manifest)
        for dependency in expected["dependencies"]:
            dependency["target"] = _reprinted(dependency["target"])
        read = theirs(packages[each.manifest.name])
        for dependency in read["dependencies"]:
            dependency["target"] = _reprinted(dependency["target"])
        assert expected == read
