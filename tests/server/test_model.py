"""The endpoint against a model of a registry: whatever is asked in whatever order, both say the same."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.crates import CrateBuilder, crate
from tests.server.client import Client
from tests.server.serving import Served

USERS = ("alice", "bob")
NAMES = st.sampled_from(("left", "right"))
VERSIONS = st.sampled_from(("1.0.0", "1.1.0"))
USER = st.sampled_from(USERS)


class Crate:
    """What a registry holds of a crate: its owners, each version with its content and whether it is yanked."""

    def __init__(self) -> None:
        self.owners: list[str] = []
        self.held: dict[str, tuple[int, bool]] = {}
        self.removed: set[str] = set()


class Endpoint:
    """A process that serves, and is stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.served = Served(folder)
        self.clients = {user: Client(self.served.url, self.served.token(user)) for user in USERS}
        self.process = self.served.start("--publish")
        self.examples = 0

    def restart(self, number: int) -> None:
        """End by a signal, and begin again."""
        self.process.send_signal(number)
        self.process.wait(30)
        self.process = self.served.start("--publish")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Endpoint]:
    """An endpoint that the examples share; each has names of its own."""
    endpoint = Endpoint(tmp_path)
    yield endpoint
    endpoint.process.terminate()
    assert endpoint.process.wait(30) == 0
    assert endpoint.served.run("verify").code == 0


class Registry(RuleBasedStateMachine):
    """Asks the endpoint, and tells the model what must have become of it."""

    endpoint: ClassVar[Endpoint]

    def __init__(self) -> None:
        super().__init__()
        self.endpoint.examples += 1
        self.crates: dict[str, Crate] = {}

    def _named(self, name: str) -> tuple[str, Crate]:
        return f"{name}-{self.endpoint.examples}", self.crates.setdefault(name, Crate())

    @rule(user=USER, name=NAMES, vers=VERSIONS, content=st.integers(0, 1))
    def publish(self, user: str, name: str, vers: str, content: int) -> None:
        full, model = self._named(name)
        answer = self.endpoint.clients[user].publish(release(full, vers, content))
        if model.owners and user not in model.owners:
            answer.failed(403, "is owned by")
        elif vers in model.removed:
            answer.failed(400, "[removed-release]")
        elif vers in model.held:
            same = model.held[vers][0] == content
            assert answer.status == (200 if same else 409), answer
        else:
            answer.ok()
            model.owners = model.owners or [user]
            model.held[vers] = (content, False)

    @rule(user=USER, name=NAMES, vers=VERSIONS, yanked=st.booleans())
    def yank(self, user: str, name: str, vers: str, yanked: bool) -> None:
        full, model = self._named(name)
        answer = self.endpoint.clients[user].yank(full, vers, yanked=yanked)
        if not model.owners:
            answer.failed(404)
        elif user not in model.owners:
            answer.failed(403, "is owned by")
        elif vers not in model.held:
            answer.failed(404, "there is no release")
        else:
            answer.ok()
            model.held[vers] = (model.held[vers][0], yanked)

    @rule(user=USER, name=NAMES, other=USER, add=st.booleans())
    def change_owners(self, user: str, name: str, other: str, add: bool) -> None:
        full, model = self._named(name)
        answer = self.endpoint.clients[user].change_owners("PUT" if add else "DELETE", full, other)
        if not model.owners:
            answer.failed(404)
        elif user not in model.owners:
            answer.failed(403, "is owned by")
        elif add:
            answer.ok()
            model.owners += [other] if other not in model.owners else []
        elif other not in model.owners:
            answer.failed(400, "is no owner of")
        elif len(model.owners) == 1:
            answer.failed(400, "is the last owner")
        else:
            answer.ok()
            model.owners.remove(other)

    @rule(name=NAMES, vers=VERSIONS)
    def remove(self, name: str, vers: str) -> None:
        full, model = self._named(name)
        ended = self.endpoint.served.run("remove", f"{full}@{vers}", "--yes")
        assert (ended.code == 0) is (vers in model.held or vers in model.removed), ended
        if vers in model.held:
            del model.held[vers]
            model.removed.add(vers)

    @rule(number=st.sampled_from((signal.SIGTERM, signal.SIGKILL)))
    def restart(self, number: int) -> None:
        self.endpoint.restart(number)

    @invariant()
    def both_say_the_same(self) -> None:
        reader = self.endpoint.clients["alice"]
        for name, model in self.crates.items():
            full, _ = self._named(name)
            found = reader.ask("GET", f"/index/{full[:2]}/{full[2:4]}/{full}")
            lines = {line["vers"]: line for line in map(json.loads, found.content.splitlines())}
            expected = {
                vers: (release(full, vers, content).cksum(), yanked) for vers, (content, yanked) in model.held.items()
            }
            assert {vers: (line["cksum"], line["yanked"]) for vers, line in lines.items()} == expected
            assert model.owners == (reader.owners(full) if model.owners else [])


def release(name: str, vers: str, content: int) -> CrateBuilder:
    """Give one of two archives of a release."""
    return crate(name, vers).file("README.md", f"content {content}")


def test_the_endpoint_and_a_model_say_the_same(running: Endpoint) -> None:
    machine = type("Registry", (Registry,), {"endpoint": running})
    few = settings(max_examples=2, stateful_step_count=10, derandomize=True, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=few)
