"""That the servers and programs which tests lean on do what the tests take for granted."""

import os
import sys
from pathlib import Path

import pytest

from tests.cargo.client import Cargo
from tests.servers import Nginx, get
from tests.tools import as_nobody


@pytest.mark.parametrize("prefix", ["/", "/some/path/"])
def test_nginx_serves_a_tree_as_a_registry_is_served(tmp_path: Path, prefix: str) -> None:
    tree = tmp_path / "tree"
    (tree / "index/ab/cd").mkdir(parents=True)
    (tree / "index/ab/cd/abcd").write_text("{}\n")
    (tree / "crates").mkdir()
    (tree / "crates/1.crate").write_bytes(b"\x1f\x8b")
    with Nginx(tree, prefix=prefix) as server:
        status, headers, _ = get(f"{server.url}index/ab/cd/abcd")
        assert (status, headers["Content-Type"]) == (200, "text/plain")
        assert get(f"{server.url}index/ab/cd/abcd", If_None_Match=headers["ETag"])[0] == 304
        status, headers, _ = get(f"{server.url}crates/1.crate")
        assert (status, headers["Content-Type"]) == (200, "application/gzip")
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert headers["Content-Encoding"] is None
        status, headers, _ = get(f"{server.url}index/ab/cd/abce")
        assert (status, headers["Cache-Control"]) == (404, "no-store")
        assert server.access_log() == [
            f"{prefix}{path}" for path in ("index/ab/cd/abcd",) * 2 + ("crates/1.crate", "index/ab/cd/abce")
        ]


def test_nginx_run_by_root_may_not_read_what_only_its_owner_may(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "secret").write_text("")
    (tree / "secret").chmod(0o600)
    with Nginx(tree) as server:
        assert get(f"{server.url}secret")[0] == (403 if os.geteuid() == 0 else 200)


def test_a_command_without_privileges_may_not_read_a_file_of_mode_0000(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.write_text("")
    closed.chmod(0)
    done = as_nobody([sys.executable, "-c", "import sys; open(sys.argv[1])", closed])
    assert done.returncode == 1
    assert f"PermissionError: [Errno 13] Permission denied: '{closed}'" in done.stderr


@pytest.mark.cargo
def test_cargo_never_asks_crates_io_unless_the_test_says_so(tmp_path: Path) -> None:
    project = Cargo(tmp_path).project('itoa = "1"')
    project.run("build").failed("no matching package named `itoa` found", "required by package `consumer")
