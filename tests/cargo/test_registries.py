"""Registries beside each other and in place of each other: ours, another of ours, and crates.io."""

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from cargo_static_index.protocol.semver import parse_version
from tests import corpus
from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.crates import crate
from tests.servers import Nginx, open_folder

pytestmark = pytest.mark.cargo

Found = Callable[..., Ours]

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


def replaced(mirror: Ours) -> str:
    """Give the configuration that puts a mirror in the place of crates.io."""
    return f'[source.crates-io]\nreplace-with = "{mirror.name}"\n[source.{mirror.name}]\nregistry = "{mirror.index}"\n'


def lockless(cargo: Cargo, ours: Ours, name: str) -> dict[str, str]:
    """Resolve a crate anew, and give the source of each name."""
    project = cargo.project(ours.needs(name))
    project.run("generate-lockfile").ok()
    return project.sources()


@pytest.mark.case(53)
def test_a_dependency_on_a_second_registry_is_resolved_there(found: Found, tmp_path: Path) -> None:
    second = found("second")
    acme = found(dependencies_allowed=[second.index])
    second.publish(crate("bar").file("src/lib.rs", 'pub const WHERE: &str = "second";'))
    acme.publish(crate("foo").dependency("bar", registry_index=second.index).file("src/lib.rs", "pub use bar::WHERE;"))
    assert acme.lines("foo")[0]["deps"][0]["registry"] == second.index
    # Cargo needs no name for the second registry: the line has its URL.
    cargo = Cargo(tmp_path / "cargo", {"acme": acme.url})
    project = cargo.project(acme.needs("foo"), code="pub const WHERE: &str = foo::WHERE;")
    project.run("build").ok()
    assert project.sources() == {"foo": acme.index, "bar": second.index}


@pytest.mark.case(53)
def test_a_crate_of_one_name_in_two_registries_is_two_crates(found: Found, tmp_path: Path) -> None:
    second = found("second")
    acme = found(dependencies_allowed=[second.index])
    for ours in (acme, second):
        ours.publish(crate("bar").file("src/lib.rs", f'pub const WHERE: &str = "{ours.name}";'))
    cargo = Cargo(tmp_path / "cargo", {"acme": acme.url, "second": second.url})
    other = 'other = { version = "1", registry = "second", package = "bar" }\n'
    code = "const _: () = assert!(bar::WHERE.len() == 4 && other::WHERE.len() == 6);"
    project = cargo.project(acme.needs("bar") + other, code=code)
    project.run("build").ok()
    assert sorted(each["source"] for each in project.lock()["package"] if "source" in each) == [
        acme.index,
        second.index,
    ]


@pytest.mark.case(50)
def test_a_dependency_on_crates_io_is_one_crate_with_the_users_own(found: Found, tmp_path: Path) -> None:
    stand_in, acme = found("mirror", registry_mode="mirror"), found()
    stand_in.publish(crate("bar").file("src/lib.rs", "pub struct Thing;"))
    acme.publish(crate("foo").dependency("bar").file("src/lib.rs", "pub fn give() -> bar::Thing { bar::Thing }"))
    cargo = Cargo(tmp_path / "cargo", {"acme": acme.url}, crates_io=True, config=replaced(stand_in))
    project = cargo.project(f'{acme.needs("foo")}bar = "1"', code="pub fn f() -> bar::Thing { foo::give() }")
    project.run("build").ok()
    assert project.sources() == {"foo": acme.index, "bar": CRATES_IO}


@pytest.mark.case(50)
@pytest.mark.corpus
def test_real_crates_in_a_mirror_are_built_in_the_place_of_crates_io(
    found: Found, tmp_path: Path, corpus_home: Path
) -> None:
    mirror = found("mirror", registry_mode="mirror")
    real = {name: newest(name) for name in ("itoa", "smallvec", "cfg-if")}
    mirror.publish(*(archive(corpus_home, each) for each in real.values()))
    cargo = Cargo(tmp_path / "cargo", crates_io=True, config=replaced(mirror))
    project = cargo.project("".join(f'{each.name} = "{each.version}"\n' for each in real.values()))
    project.run("build").ok()
    locked = {each["name"]: each for each in project.lock()["package"] if "source" in each}
    assert set(project.sources().values()) == {CRATES_IO}
    assert {name: each["checksum"] for name, each in locked.items()} == {
        name: each.checksum for name, each in real.items()
    }


@pytest.mark.case(50)
@pytest.mark.corpus
@pytest.mark.slow
def test_a_mirror_of_all_real_crates_gives_the_lock_file_that_crates_io_gave(
    found: Found, tmp_path: Path, corpus_home: Path
) -> None:
    mirror = found("mirror", registry_mode="mirror")
    mirror.publish(*(archive(corpus_home, each) for each in corpus.locked()))
    cargo = Cargo(tmp_path / "cargo", crates_io=True, config=replaced(mirror))
    project = cargo.project()
    project.manifest.write_text(corpus.MANIFEST.read_text())
    project.run("generate-lockfile").ok()
    assert project.lock() == tomllib.loads(corpus.LOCK.read_text())


def newest(name: str) -> corpus.Locked:
    """Give the newest release of a name in the corpus."""
    return max((each for each in corpus.locked() if each.name == name), key=lambda each: parse_version(each.version))


def archive(home: Path, release: corpus.Locked) -> Path:
    """Give the path of a crate that cargo fetched from crates.io."""
    [path] = (home / "registry/cache").glob(f"*/{release.name}-{release.version}.crate")
    return path


@pytest.mark.case(51)
def test_a_moved_registry_takes_crates_that_name_its_old_url_for_its_own(acme: Ours, cargo: Cargo) -> None:
    old = acme.index
    acme.publish(crate("bar"), crate("foo").dependency("bar", registry_index=old))
    acme.move(f"{acme.tree.name}-moved")
    acme.publish(crate("late").dependency("bar", registry_index=old))
    acme.publish(crate("new").dependency("bar", registry_index=acme.index))
    assert [acme.lines(name)[0]["deps"][0].get("registry") for name in ("foo", "late", "new")] == [None] * 3
    cargo.configure({"acme": acme.url})
    project = cargo.project(acme.needs("foo") + acme.needs("late") + acme.needs("new"))
    project.run("build").ok()
    assert set(project.sources().values()) == {acme.index}
    assert acme.index != old


@pytest.mark.case(51)
@pytest.mark.parametrize("spelling", ["no slash", "upper case"])
def test_other_spellings_of_its_url_mean_the_registry_itself(acme: Ours, cargo: Cargo, spelling: str) -> None:
    url = acme.index.removesuffix("/") if spelling == "no slash" else acme.index.replace("http", "HTTP")
    acme.publish(crate("bar"), crate("foo").dependency("bar", registry_index=url))
    assert lockless(cargo, acme, "foo") == {"foo": acme.index, "bar": acme.index}


@pytest.mark.parametrize("prefix", ["/", "/some/path/"])
def test_a_registry_is_used_at_the_root_of_a_host_and_below_a_path(tmp_path: Path, prefix: str) -> None:
    with open_folder() as root, Nginx(root, prefix=prefix) as server:
        acme = Ours("acme", server, "", tmp_path / "private", {})
        acme.publish(crate("bar"), crate("foo").dependency("bar", registry_index=acme.index))
        project = Cargo(tmp_path / "cargo", {"acme": acme.url}).project(acme.needs("foo"), code="use foo as _;")
        project.run("build").ok()
        assert project.sources() == {"foo": acme.index, "bar": acme.index}
        assert acme.index == f"sparse+http://127.0.0.1:{server.port}{prefix}index/"


@pytest.mark.case(14)
def test_an_index_url_without_a_slash_at_the_end_is_refused_by_cargo(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo"))
    cargo.configure({}, config=f'[registries.acme]\nindex = "{acme.index.removesuffix("/")}"\n')
    cargo.project(acme.needs("foo")).run("generate-lockfile").failed("sparse registry url must end in a slash")


@pytest.mark.case(16)
def test_a_client_that_knows_the_old_config_downloads_while_the_old_url_is_served(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo", "1.0.0"), crate("bar"))
    project = cargo.project(acme.needs("foo") + acme.needs("bar"))
    project.run("generate-lockfile").ok()
    old, old_url = acme.tree, acme.url
    acme.move(f"{old.name}-moved")
    old.symlink_to(acme.tree)
    # With a complete lock file cargo does not ask for config.json again.
    project.run("fetch", "--locked").ok()
    assert sum(each.path.endswith(".crate") for each in acme.requests(old_url)) == 2
    assert acme.requests() == []
    # The next update brings the new config.json, through the old URL too.
    acme.publish(crate("foo", "1.1.0"))
    project.run("update").ok()
    project.run("fetch", "--locked").ok()
    assert [each.path for each in acme.requests() if each.path.endswith(".crate")] == [
        f"crates/foo/{crate('foo', '1.1.0').cksum()}.crate"
    ]


@pytest.mark.case(16)
def test_a_copied_tree_serves_lines_that_mean_the_copy(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("bar"), crate("foo").dependency("bar", registry_index=acme.index))
    copy = acme.tree.with_name(f"{acme.tree.name}-copy")
    shutil.copytree(acme.tree, copy)
    cargo.configure({"acme": f"{acme.web.url}{copy.name}/"})
    sources = lockless(cargo, acme, "foo")
    assert sources == dict.fromkeys(("foo", "bar"), f"sparse+{acme.web.url}{copy.name}/index/")


def test_a_registry_without_a_web_api_says_so_to_cargo_search(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo"))
    assert json.loads((acme.tree / "index/config.json").read_text()) == {
        "dl": f"{acme.url}crates/{{crate}}/{{sha256-checksum}}.crate"
    }
    cargo.run("search", "foo", "--registry", "acme").failed("does not support API commands")


def test_a_registry_with_auth_required_makes_cargo_send_its_token_with_every_request(
    found: Found, tmp_path: Path
) -> None:
    acme = found("acme", registry_auth_required=True)
    acme.publish(crate("foo"))
    cargo = Cargo(
        tmp_path / "cargo", {"acme": acme.url}, config='[registry]\nglobal-credential-providers = ["cargo:token"]\n'
    )
    project = cargo.project(acme.needs("foo"))
    project.run("fetch").failed("no token found for `acme`")
    project.run("fetch", env={"CARGO_REGISTRIES_ACME_TOKEN": "secret"}).ok()
