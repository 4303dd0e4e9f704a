"""One endpoint for the tests of a module: each takes names of its own."""

from collections.abc import Iterator

import pytest

from tests.server.client import Client
from tests.server.serving import Served

SETTINGS = """
[publish]
admins = ["ann"]
teams = ["tools alice bob", "pay carol"]
owners = ["pay-* team:pay"]
"""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A registry that takes publishes: alice, bob, carol and ann (who may everything) have tokens."""
    served = Served(tmp_path_factory.mktemp("endpoint"), SETTINGS)
    for user in ("alice", "bob", "carol", "ann"):
        served.tokens[user] = served.token(user)
    with served.running("--publish"):
        yield served


@pytest.fixture
def alice(endpoint: Served) -> Client:
    """A client with alice's token."""
    return endpoint.client("alice")


@pytest.fixture
def bob(endpoint: Served) -> Client:
    """A client with bob's token."""
    return endpoint.client("bob")
