"""Make examples/drop/*.crate anew from examples/sources/ with the `cargo package` that is installed.

    python3 examples/package.py [FOLDER]

The same cargo gives the same bytes: the sources are copied first, so that nothing of the checkout they lie in gets
into the archives. While cargo works, an empty registry answers at the address that the sources name.
"""

import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
ADDRESS = ("127.0.0.1", 8000)


class EmptyRegistry(http.server.BaseHTTPRequestHandler):
    """A registry that holds nothing: cargo asks it for the crates that it is about to package."""

    def do_GET(self) -> None:
        """Give config.json, and 404 for every crate."""
        found = self.path == "/index/config.json"
        self.send_response(200 if found else 404)
        self.end_headers()
        if found:
            self.wfile.write(b'{"dl":"http://127.0.0.1:8000/crates"}')

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing of each request."""


def package(drop: Path) -> None:
    """Package every crate of the sources into the folder `drop`."""
    with tempfile.TemporaryDirectory() as temp:
        sources = Path(temp) / "sources"
        shutil.copytree(HERE / "sources", sources, ignore=shutil.ignore_patterns("target", "Cargo.lock"))
        env = os.environ | {"CARGO_TARGET_DIR": str(sources / "target"), "CARGO_HOME": str(Path(temp) / "home")}
        command = ("cargo", "package", "--workspace", "--no-verify", "--allow-dirty", "--registry", "acme")
        with http.server.ThreadingHTTPServer(ADDRESS, EmptyRegistry) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            subprocess.run(command, cwd=sources, env=env, check=True)
            server.shutdown()
        drop.mkdir(parents=True, exist_ok=True)
        for archive in sorted((sources / "target" / "package").glob("*.crate")):
            shutil.copyfile(archive, drop / archive.name)


if __name__ == "__main__":
    package(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "drop")
