"""docs/publishing.md: every command in it is run, in its order, and does what it says.

What would change the machine that runs the tests stands in: `pip`, `useradd`, `certbot` and `systemctl` are noted as
they are called, and done below a temporary folder. All else is real: the program, nginx with TLS, cargo, which comes
to crates.example.com by a proxy.
"""

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cargo_static_index.settings.trusted import read_rules
from tests.cargo.client import Cargo
from tests.cli.program import environment
from tests.server.serving import await_text
from tests.servers import Nginx, free_port, make_certificate, open_folder, tunnel
from tests.tools import need

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/publishing.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"(?ms)^```(sh|toml)\n(.*?)^```$", GUIDE)
PROGRAM = Path(need("cargo-static-index"))
HOST = "crates.example.com"
STANDS_IN = ("pip", "useradd", "certbot", "systemctl")

pytestmark = pytest.mark.cargo


class Machine:
    """A folder that stands for a server and a developer's machine, on which the guide's blocks are run one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.left = iter(BLOCKS)
        self.endpoint = free_port()
        for part in ("srv/crates", "etc/nginx/conf.d", "etc/systemd/system", "bin", "home"):
            (folder / part).mkdir(parents=True)
        (self.bin / "cargo-static-index").symlink_to(PROGRAM)
        for name in STANDS_IN:
            (self.bin / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {folder}/called\n')
            (self.bin / name).chmod(0o755)
        self.env = environment() | {
            "CARGO_STATIC_INDEX_SERVE_BIND": f"127.0.0.1:{self.endpoint}",
            "CARGO_STATIC_INDEX_STATE_PATH": str(folder / "srv/crates/.cargo-static-index"),
            "PATH": os.pathsep.join((str(self.bin), os.environ["PATH"])),
        }

    def placed(self, text: str) -> str:
        """Give a text of the guide, with its places as they are here."""
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{self.endpoint}")
        text = text.replace("/usr/local/bin", str(self.bin))
        return re.sub(r"(?<![\w.])/(srv|etc)/", rf"{self.folder}/\1/", text)

    def block(self, kind: str) -> str:
        """Give the next block, which must be of this kind."""
        found, text = next(self.left)
        assert found == kind, text
        return text

    def run(self, cwd: Path, *, env: dict[str, str] | None = None, stdin: str = "", **words: str) -> str:
        """Run the next block's commands, with some words in the places of others, and give what they print."""
        text = self.placed(self.block("sh"))
        for word, given in words.items():
            text = re.sub(rf"\b{word}\b", given, text)
        command = [need("bash"), "-euo", "pipefail", "-c", text]
        given_env = self.env | (env or {})
        done = subprocess.run(
            command, cwd=cwd, env=given_env, input=stdin, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def called(self) -> list[str]:
        """Give what the stand-ins were called for since this was asked last."""
        file = self.folder / "called"
        found = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return found


@pytest.fixture
def machine() -> Iterator[Machine]:
    with open_folder() as folder:
        yield Machine(folder)


def developer(folder: Path, config: str, proxy: str, certificate: Path) -> tuple[Cargo, dict[str, str]]:
    """Give a cargo that is set up as the guide says, and its environment, in which the registry's host is found."""
    cargo = Cargo(folder)
    (cargo.home / "config.toml").write_text((cargo.home / "config.toml").read_text() + config)
    env = cargo.environment() | {"HTTPS_PROXY": proxy, "CARGO_HTTP_CAINFO": str(certificate)}
    del env["PATH"]
    return cargo, env | {"NO_PROXY": "", "no_proxy": ""}


def workspace(cargo: Cargo) -> Path:
    """Write a workspace of three packages that need each other."""
    folder = cargo.folder / "work"
    needs = {"foo": None, "bar": "foo", "baz": "bar"}
    for name, other in needs.items():
        project = cargo.project(name=f"work/{name}")
        needed = f'{other} = {{ path = "../{other}", version = "1", registry = "acme" }}\n' if other else ""
        head = f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\n'
        about = f'publish = ["acme"]\ndescription = "{name}"\nlicense = "MIT"\n'
        project.manifest.write_text(f"{head}{about}[dependencies]\n{needed}")
    (folder / "Cargo.toml").write_text('[workspace]\nmembers = ["foo", "bar", "baz"]\nresolver = "2"\n')
    return folder


def tls_site(certificate: Path, root: Path) -> str:
    """Give a site that serves a folder over TLS."""
    key = certificate.with_name("privkey.pem")
    keys = f"ssl_certificate {certificate}; ssl_certificate_key {key};"
    return f"server {{\nlisten 443 ssl;\nserver_name _;\n{keys}\nroot {root};\n}}"


def add_user(machine: Machine, tokens: Path, user: str) -> None:
    """Give a token to somebody else, whom nobody but the owners of crates knows."""
    command = [str(PROGRAM), "token", "hash", "--user", user]
    entry = subprocess.run(command, env=machine.env, capture_output=True, text=True, check=True, input="").stdout
    tokens.write_text(tokens.read_text() + entry)


def start_service(machine: Machine, stack: ExitStack) -> None:
    """Start what the unit file says, as systemd would, and end it with the test."""
    unit = (machine.folder / "etc/systemd/system/crates.service").read_text()
    setting = dict(re.findall(r"(?m)^(\w+)=(.*)$", unit))
    log = machine.folder / "serve.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            setting["ExecStart"].split(), cwd=setting["WorkingDirectory"], env=machine.env, stdout=said, stderr=said
        )
    stack.callback(process.wait, timeout=30)
    stack.callback(process.terminate)
    await_text(log, "Serving", process)


def test_every_command_of_the_guide_does_what_it_says(machine: Machine, tmp_path: Path) -> None:
    srv, etc = machine.folder / "srv/crates", machine.folder / "etc"
    certificate = make_certificate(etc / "letsencrypt/live" / HOST, f"DNS:{HOST}")

    # Without an endpoint
    machine.run(tmp_path)
    config = machine.block("toml")
    with Nginx(srv / "public", server=tls_site(certificate, srv / "public")) as nginx, tunnel(nginx.port) as proxy:
        cargo, env = developer(tmp_path / "without", config, proxy, certificate)
        work = workspace(cargo)
        env["CARGO_TARGET_DIR"] = str(work / "target")
        machine.run(work, env=env)
        user = cargo.project('baz = { version = "1", registry = "acme" }', name="user")
        user.run("fetch", env=env).ok()
        assert user.locked() == {"foo": "1.0.0", "bar": "1.0.0", "baz": "1.0.0"}
    for path in (srv, machine.folder / "called"):
        subprocess.run(["rm", "-rf", path], check=True)
    srv.mkdir()

    # A private registry behind TLS
    with ExitStack() as stack:
        machine.run(tmp_path)
        assert machine.called() == [
            "pip install cargo-static-index[server]",
            f"useradd --system --create-home --home-dir {srv} crates",
            f"certbot certonly --standalone -d {HOST}",
        ]
        assert "server" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        (token,) = re.findall(r"csi_\w+", machine.run(tmp_path))
        machine.run(tmp_path)
        assert machine.called() == ["systemctl enable --now crates", "systemctl reload nginx"]
        start_service(machine, stack)
        site = re.sub(r"(?<=certificate)(_key)? /etc", rf"\1 {etc}", (etc / "nginx/conf.d/crates.conf").read_text())
        nginx = stack.enter_context(Nginx(srv / "public", server=site))
        proxy = stack.enter_context(tunnel(nginx.port))
        cargo, env = developer(tmp_path / "private", machine.block("toml"), proxy, certificate)
        work = workspace(cargo)
        add_user(machine, srv / "private/tokens.toml", "bob")
        said = machine.run(work, env=env, stdin=f"{token}\n")
        assert "Published baz v1.0.0" in said
        assert 'foo = "1.0.0"' in said
        assert "timed out" not in said
        user = cargo.project('baz = { version = "1", registry = "acme" }', name="user")
        user.run("fetch", env=env).ok()
        assert user.locked() == {"foo": "1.0.0", "bar": "1.0.0", "baz": "1.0.0"}

        # Rehearsing, tokens, owners
        said = machine.run(work, env=env)
        assert "Published baz v1.0.0" in said
        listed = subprocess.run(
            ["cargo-static-index", "token", "list", "--json"], cwd=srv, env=machine.env, capture_output=True, check=True
        )
        alice = json.loads(listed.stdout.splitlines()[0])["id"]
        said = machine.run(srv, ID=alice)
        assert "alice" in said
        assert 'user = "mallory"' in (srv / "tokens.toml").read_text()
        assert f"{alice}" not in (srv / "private/tokens.toml").read_text()
        assert "yank foo@1.0.0" in machine.run(srv)
        assert tomllib.loads(machine.block("toml"))["publish"]["teams"] == ["pay carol dave"]
    rules = read_rules(tomllib.loads(machine.block("toml"))["publish"]["trusted"])
    assert [rule.repository for rule in rules] == ["acme/crates", "acme/rust/crates"]
    assert list(machine.left) == []
