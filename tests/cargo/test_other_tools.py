"""Other tools on a tree that a real nginx serves as `hosting` prints it: cargo-deny itself, of others the requests."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_static_index.hosting.nginx import nginx
from cargo_static_index.hosting.place import Place
from cargo_static_index.site.theme import CSP
from tests.cargo.client import Cargo, Project
from tests.crates import crate
from tests.servers import Nginx, free_port, get, open_folder
from tests.tools import need
from tests.world import World

FOO, LABEL = crate("foo"), crate("acme-label")


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with open_folder() as folder:
        world = World(folder, {"registry.base-url": url, "tree.version-addresses": True})
        world.put(FOO, crate("foo", "1.1.0"), LABEL, crate("acme-label", "1.1.0"), crate("MyCrate"))
        world.build()
        world.yank("acme-label@1.1.0")
        text = nginx(Place(base_url=url, root=str(world.tree), policy=CSP))
        with Nginx(world.tree, server=text, port=port):
            yield url


def test_import_cargo_lock_of_nix_finds_an_archive_by_name_and_version(base: str) -> None:
    # extraRegistries."sparse+…/index/" = "…/crates", to which `/NAME/VERSION/download` is added.
    found = get(f"{base}crates/foo/1.0.0/download", User_Agent="curl/8.9 Nixpkgs/25.11", Accept="*/*")
    assert (found.status, found.content) == (200, FOO.build())
    assert found.headers["Content-Encoding"] is None


@pytest.mark.parametrize("tool", ["crane", "fetchCargoVendor", "cargo-binstall", "Bazel"])
def test_tools_that_put_the_checksum_in_need_nothing_else(base: str, tool: str) -> None:
    said = get(f"{base}index/config.json", User_Agent=tool, Accept="application/json", Content_Type="application/json")
    config = json.loads(said.content)
    line = json.loads(get(f"{base}index/3/f/foo", User_Agent=tool).content.splitlines()[0])
    values = {"{crate}": "foo", "{version}": line["vers"], "{sha256-checksum}": line["cksum"]}
    url = config["dl"]
    for marker, value in values.items():
        url = url.replace(marker, value)
    found = get(url, User_Agent=tool)
    assert (found.status, found.content) == (200, FOO.build())


def test_renovate_finds_versions_with_their_dates_and_its_link_leads_to_the_page(base: str) -> None:
    said = get(f"{base}index/3/f/foo", User_Agent="RenovateBot/43", Accept="*/*")
    lines = [json.loads(line) for line in said.content.splitlines()]
    assert [(line["vers"], line["yanked"]) for line in lines] == [("1.0.0", False), ("1.1.0", False)]
    assert all(line["pubtime"] for line in lines)
    page = get(f"{base}index/foo")
    assert (page.status, page.content) == (200, get(f"{base}crates/foo/").content)


def test_dependabot_finds_versions_and_yanks_and_no_dates(base: str) -> None:
    """Its cargo/lib: `file_parser.rb` asks for config.json, `package_details_fetcher.rb` for the index file."""
    agent = {"User_Agent": "Dependabot (dependabot.com)"}
    config = json.loads(get(f"{base}index/config.json", Authorization="Token secret", **agent).content)
    assert {"dl"} <= config.keys()
    said = get(f"{base}index/ac/me/acme-label", Authorization="secret", **agent)
    lines = [json.loads(line) for line in said.content.splitlines()]
    assert [(line["vers"], line["yanked"]) for line in lines] == [("1.0.0", False), ("1.1.0", True)]
    assert not any("created_at" in line for line in lines)  # where it looks for the day, which no index line has


@pytest.mark.parametrize("asked", ["3/fo/foo", "My/Cr/MyCrate"])
def test_dependabot_asks_for_names_of_three_letters_and_with_capitals_where_no_registry_has_them(
    base: str, asked: str
) -> None:
    assert get(f"{base}index/{asked}", User_Agent="Dependabot (dependabot.com)").status == 404


def test_cargo_audit_finds_yanks_and_asks_again_by_tag(base: str) -> None:
    """By tame-index, which asks as cargo does for the crates of crates.io, where a mirror stands in for it."""
    asked = {"Accept": "text/plain", "Accept_Encoding": "gzip", "Cargo_Protocol": "version=1"}
    said = get(f"{base}index/ac/me/acme-label", **asked)
    lines = gzip.decompress(said.content) if said.headers["Content-Encoding"] == "gzip" else said.content
    assert [json.loads(line)["yanked"] for line in lines.splitlines()] == [False, True]
    assert get(f"{base}index/ac/me/acme-label", If_None_Match=said.headers["ETag"], **asked).status == 304


ADVISORY = """```toml
[advisory]
id = "RUSTSEC-2026-9999"
package = "elsewhere"
date = "2026-01-01"
[versions]
patched = []
```

# A hole

In a crate of crates.io's.
"""


class Denied:
    """A package that needs `foo` and `bar` of a served registry, and cargo-deny as its user runs it."""

    def __init__(self, folder: Path, base: str) -> None:
        cargo = Cargo(folder, {"acme": base})
        needs = "".join(f'{name} = {{ version = "1", registry = "acme" }}\n' for name in ("foo", "bar"))
        self.project: Project = cargo.project(needs, package='license = "MIT"')
        self._advisories = folder / "advisories"
        advisory = self._advisories / "crates/elsewhere/RUSTSEC-2026-9999.md"
        advisory.parent.mkdir(parents=True)
        advisory.write_text(ADVISORY)
        for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "One advisory")):
            who = ("-c", "user.name=acme", "-c", "user.email=acme@localhost")
            subprocess.run([need("git"), "-C", self._advisories, *who, *command], check=True)

    def __call__(self, check: str, settings: str) -> list[tuple[str, str]]:
        """Give the code of each error, and the crate that has it."""
        (self.project.folder / "deny.toml").write_text(f"[{check}]\n{settings}")
        # A database has a URL with a domain in it; git takes a folder in its place.
        instead = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{self._advisories}.insteadOf"}
        done = subprocess.run(
            [need("cargo-deny"), "--format", "json", "check", check],
            cwd=self.project.folder,
            env=self.project.cargo.environment() | instead | {"GIT_CONFIG_VALUE_0": "https://advisories.example/db"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        said = [json.loads(line) for line in done.stderr.splitlines() if line]
        assert [each["fields"] for each in said if each["type"] == "log"] == []
        told = [each["fields"] for each in said if each["type"] == "diagnostic"]
        return [(each["code"], each["graphs"][0]["Krate"]["name"]) for each in told if each["severity"] == "error"]


def test_cargo_deny_takes_what_the_page_lets_it_and_sees_licences_and_yanks(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://localhost:{port}/"
    with open_folder() as folder:
        world = World(folder, {"registry.base-url": url, "registry.pages": False})
        world.put(FOO, crate("bar").package(license="GPL-3.0-only"))
        world.build()
        with Nginx(world.tree, server=nginx(Place(base_url=url, root=str(world.tree), policy=CSP)), port=port):
            deny = Denied(tmp_path, url)
            deny.project.run("generate-lockfile").ok()
            sources = 'unknown-registry = "deny"\nallow-registry = ["{}"]\n'
            assert deny("sources", sources.format("sparse+https://elsewhere.example/index/")) == [
                ("source-not-allowed", "bar"),
                ("source-not-allowed", "foo"),
            ]
            assert deny("sources", sources.format(f"sparse+{url}index/")) == []
            assert deny("licenses", 'allow = ["MIT"]\n') == [("rejected", "bar")]
            world.yank("foo@1.0.0")
            shutil.rmtree(deny.project.cargo.home / "registry/index")  # as on a fresh runner: what cargo knows counts
            assert deny("advisories", 'yanked = "deny"\ndb-urls = ["https://advisories.example/db"]\n') == [
                ("yanked", "foo")
            ]
