"""What the tests with the real cargo share: one web server. Registries and cargo are each test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.servers import Nginx, open_folder


@pytest.fixture(scope="session")
def web() -> Iterator[Nginx]:
    """Serve a folder by a real nginx; each registry is a folder in it, so all have a path in their URL."""
    with open_folder() as root, Nginx(root) as server:
        yield server


@pytest.fixture
def found(web: Nginx, tmp_path: Path) -> Callable[..., Ours]:
    """Give a function that founds a registry: its name, and settings by key (`registry_mode="mirror"`)."""

    def found(name: str = "acme", **settings: object) -> Ours:
        # pytest numbers its temp folders, so no two tests share a path below the server's root.
        return Ours(name, web, f"{tmp_path.name}-{name}", tmp_path / name, settings)

    return found


@pytest.fixture
def acme(found: Callable[..., Ours]) -> Ours:
    """Found the registry `acme`, which has no crates yet."""
    return found()


@pytest.fixture
def cargo(tmp_path: Path, acme: Ours) -> Cargo:
    """Give a cargo that knows the registry `acme` and has never asked it anything."""
    return Cargo(tmp_path / "cargo", {"acme": acme.url})
