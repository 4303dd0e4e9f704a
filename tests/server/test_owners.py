"""Who may publish, yank and name owners, by a plain client."""

import pytest

from tests.crates import crate
from tests.server.client import Client
from tests.server.serving import Served, until


def test_who_publishes_a_name_first_owns_it(alice: Client, bob: Client, endpoint: Served) -> None:
    alice.publish(crate("mine")).ok()
    assert alice.owners("mine") == ["alice"]
    said = bob.publish(crate("mine", "1.0.1")).failed(403, "mine is owned by alice", "cargo owner --add bob mine")
    assert "1.0.1" not in said.details()
    bob.yank("mine", "1.0.0").failed(403, "mine is owned by alice")
    bob.change_owners("PUT", "mine", "bob").failed(403, "mine is owned by alice")


@pytest.mark.case(103)
def test_owners_name_others_and_both_answers_have_a_message(alice: Client, bob: Client) -> None:
    alice.publish(crate("shared")).ok()
    added = alice.change_owners("PUT", "shared", "bob", "team:pay").ok().json()
    assert added == {"ok": True, "msg": "bob, team:pay now owns shared"}
    assert bob.owners("shared") == ["alice", "bob", "team:pay"]
    bob.publish(crate("shared", "1.0.1")).ok()
    removed = bob.change_owners("DELETE", "shared", "alice").ok().json()
    assert removed == {"ok": True, "msg": "alice owns shared no more"}
    alice.publish(crate("shared", "1.0.2")).failed(403)


def test_the_last_owner_cannot_be_removed(alice: Client) -> None:
    alice.publish(crate("last")).ok()
    alice.change_owners("DELETE", "last", "alice").failed(400, "alice is the last owner of last")
    alice.change_owners("DELETE", "last", "bob").failed(400, "bob is no owner of last; it has alice")
    assert alice.owners("last") == ["alice"]


def test_a_name_that_nobody_has_becomes_no_owner(alice: Client) -> None:
    alice.publish(crate("typo")).ok()
    alice.change_owners("PUT", "typo", "alcie").failed(400, "there is no user 'alcie'")
    alice.change_owners("PUT", "typo", "team:tolos").failed(400, "there is no team 'tolos'")
    alice.change_owners("PUT", "typo", "../x").failed(400, "'../x' is no owner")
    alice.change_owners("PUT", "typo").failed(400, "names nobody")
    alice.ask("PUT", "/api/v1/crates/typo/owners", b"[").failed(400, "cannot be read")
    alice.change_owners("PUT", "nowhere", "bob").failed(404, "there is no crate 'nowhere'")


def test_users_of_a_team_that_owns_a_crate_own_it(alice: Client, bob: Client, endpoint: Served) -> None:
    token = endpoint.token("ci", "--team", "tools")
    robot = Client(endpoint.url, token)
    robot.publish(crate("teamed")).ok()
    assert robot.owners("teamed") == ["team:tools"]
    bob.publish(crate("teamed", "1.0.1")).ok()
    robot.publish(crate("teamed", "1.0.2")).ok()
    endpoint.client("carol").publish(crate("teamed", "1.0.3")).failed(403, "team:tools")


def test_names_that_have_owners_from_the_start_are_theirs_alone(alice: Client, endpoint: Served) -> None:
    alice.publish(crate("pay-core")).failed(403, "pay-core is owned by team:pay")
    endpoint.client("carol").publish(crate("pay-core")).ok()
    assert alice.owners("pay-core") == ["team:pay"]


def test_what_the_command_line_published_is_not_for_the_web_until_it_gets_an_owner(
    alice: Client, endpoint: Served
) -> None:
    file = crate("dropped").write(endpoint.folder)
    endpoint.run("add", file).ok()
    alice.publish(crate("dropped", "1.0.1")).failed(403, "dropped has no owner", "owner dropped --add alice")
    alice.yank("dropped", "1.0.0").failed(403, "dropped has no owner")
    endpoint.client("ann").publish(crate("dropped", "1.0.1")).ok()
    assert endpoint.run("owner", "dropped").ok() == ""
    assert endpoint.run("owner", "dropped", "--add", "alice").ok() == "alice\n"
    alice.publish(crate("dropped", "1.0.2")).ok()


def test_a_token_is_good_for_its_scopes_and_crates_alone(alice: Client, endpoint: Served) -> None:
    def client(*more: str) -> Client:
        return Client(endpoint.url, endpoint.token("alice", *more))

    updates = client("--scope", "publish-update")
    updates.publish(crate("scoped")).failed(403, "this token is good for publish-update, and not for publish-new")
    client("--scope", "publish-new").publish(crate("scoped")).ok()
    updates.publish(crate("scoped", "1.0.1")).ok()
    client("--scope", "publish-new").publish(crate("scoped", "1.0.2")).failed(403, "not for publish-update")
    updates.yank("scoped", "1.0.0").failed(403, "not for yank")
    client("--scope", "yank").yank("scoped", "1.0.0").ok()
    client("--scope", "owners,yank").change_owners("PUT", "scoped", "bob").ok()
    some = client("--crates", "team-*,scoped")
    some.publish(crate("other")).failed(403, "this token is good for crates named team-*, scoped, and not for other")
    some.publish(crate("team-x")).ok()
    some.publish(crate("scoped", "1.0.3")).ok()


def test_owners_survive_the_removal_of_all_versions(alice: Client, bob: Client, endpoint: Served) -> None:
    alice.publish(crate("phoenix")).ok()
    endpoint.run("remove", "phoenix", "--all", "--yes").ok()
    bob.publish(crate("phoenix", "2.0.0")).failed(403, "phoenix is owned by alice")
    alice.publish(crate("phoenix", "2.0.0")).ok()
    assert endpoint.run("verify").code == 0


def test_the_page_of_a_crate_shows_its_owners(alice: Client) -> None:
    alice.publish(crate("paged")).ok()
    alice.change_owners("PUT", "paged", "team:tools").ok()
    until(lambda: "alice, team:tools" in alice.ask("GET", "/crates/paged/").content.decode())
