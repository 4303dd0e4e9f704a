"""Trusted publishing: the exchange, the rules, and what becomes of the tokens."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests.cargo.client import Cargo
from tests.crates import crate
from tests.jobs import HOST, github_job, gitlab_job, make_workspace
from tests.server.client import Answer, Client
from tests.server.issuer import OTHER, FakeIssuer, served_issuer, signed
from tests.server.serving import Served
from tests.servers import make_certificate

PATH = "/api/v1/trusted_publishing/tokens"

SETTINGS = """
[tree]
flush = false

[publish]
url = "https://crates.example.com/"
owners = ["pay-* team:pay"]
teams = ["pay carol", "tools alice"]

[[publish.trusted]]
issuer = "{issuer}"
repository = "acme/crates"
workflow = "release.yml"
environment = "release"
ref = "refs/tags/v*"
crates = ["acme-*", "pay-*"]

[[publish.trusted]]
issuer = "{issuer}"
repository = "acme/rust/crates"
workflow = ".gitlab-ci.yml"
ref = "refs/tags/v*"
crates = ["rust-*"]
scopes = ["publish-new", "publish-update"]
owner = "team:tools"

[[publish.trusted]]
issuer = "{issuer}"
claims = {{sub = "robot"}}
crates = ["robot-*"]
"""


class Ci(Struct):
    """An endpoint and the issuer that its rules trust."""

    served: Served
    issuer: FakeIssuer

    def ask(self, method: str, token: str | None = None, body: object = None) -> Answer:
        """Ask as rust-lang/crates-io-auth-action does: its main step POSTs, its post step DELETEs."""
        client, agent = self.served.client(), "crates-io-auth-action/1.0.4"
        if method == "DELETE":
            return client.ask("DELETE", PATH, Authorization=f"Bearer {token}", User_Agent=agent)
        content = json.dumps(body).encode()
        return client.ask("POST", PATH, content, Content_Type="application/json", User_Agent=agent)

    def exchange(self, text: str) -> Answer:
        """Exchange a token that the CI has signed."""
        return self.ask("POST", body={"jwt": text})

    def token(self, claims: dict[str, Any] | None = None) -> str:
        """Exchange a token with these claims, and give what came."""
        found: str = self.exchange(signed(claims or self.issuer.github())).ok().json()["token"]
        return found

    def client(self, claims: dict[str, Any] | None = None) -> Client:
        """Give a client with a token that was exchanged."""
        return Client(self.served.url, self.token(claims))

    def audit(self, *more: str) -> list[dict[str, Any]]:
        """Give the audit file."""
        return [json.loads(line) for line in self.served.run("audit", "--json", *more).ok().splitlines()]


@pytest.fixture(scope="module")
def ci(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ci]:
    with served_issuer() as issuer:
        served = Served(tmp_path_factory.mktemp("trusted"), SETTINGS.format(issuer=issuer.url))
        for user in ("alice", "carol"):
            served.tokens[user] = served.token(user)
        with served.running("--publish"):
            yield Ci(served, issuer)


@pytest.fixture
def alice(ci: Ci) -> Client:
    return ci.served.client("alice")


@pytest.mark.cargo
def test_a_job_publishes_with_the_real_cargo_and_ends_its_token(ci: Ci, alice: Client) -> None:
    alice.publish(crate("acme-core")).ok()
    token = ci.token()
    project = ci.served.cargo(ci.served.folder / "job", token).project(name="acme-core")
    project.run("publish", "--registry", "acme", "--no-verify", "--allow-dirty").ok()
    assert {line["vers"] for line in alice.line("ac/me/acme-core")} == {"1.0.0", "0.1.0"}
    assert ci.ask("DELETE", token).status == 204
    Client(ci.served.url, token).publish(crate("acme-core", "1.2.0")).failed(401, "this token is not known here")


@pytest.mark.cargo
def test_the_guide_s_job_of_github_publishes(ci: Ci, alice: Client) -> None:
    names, job = ["acme-first", "acme-second"], github_job("publishing.md")
    for name in names:
        alice.publish(crate(name, "0.9.0")).ok()
    assert [step["uses"] for step in job.uses] == ["actions/checkout@v5", "rust-lang/crates-io-auth-action@v1"]
    assert f"{job.uses[1]['with']['url']}/" == HOST
    runner, workspace = Cargo(ci.served.folder / "github"), make_workspace(ci.served.folder / "github-work", names)
    token = ci.token()
    job.run(ci.served.url, workspace, {"steps.auth.outputs.token": token}, runner.environment())
    assert ci.ask("DELETE", token).status == 204
    assert {line["vers"] for line in alice.line("ac/me/acme-second")} == {"0.9.0", "1.0.0"}
    assert [entry["action"] for entry in ci.audit()[-4:]] == ["exchange", "publish", "publish", "revoke"]


@pytest.mark.cargo
def test_the_guide_s_job_of_gitlab_publishes(ci: Ci, alice: Client) -> None:
    runner = Cargo(ci.served.folder / "gitlab")
    workspace = make_workspace(ci.served.folder / "gitlab-work", ["rust-first", "rust-second"])
    signed_by_it = {"ID_TOKEN": signed(ci.issuer.gitlab())}
    gitlab_job("publishing.md").run(ci.served.url, workspace, {}, runner.environment() | signed_by_it)
    assert [line["vers"] for line in alice.line("ru/st/rust-second")] == ["1.0.0"]
    assert [entry["action"] for entry in ci.audit()[-4:]] == ["exchange", "publish", "publish", "revoke"]


def test_ending_a_token_twice_fails_no_job(ci: Ci) -> None:
    token = ci.token()
    assert [ci.ask("DELETE", token).status for _ in range(2)] == [204, 204]
    assert ci.served.client().ask("DELETE", PATH).status == 401


def test_a_token_that_a_person_holds_is_not_ended_by_this(ci: Ci, alice: Client) -> None:
    ci.ask("DELETE", ci.served.tokens["alice"]).failed(403, "no token of trusted publishing")
    alice.publish(crate("still-good")).ok()


def test_a_token_lasts_half_an_hour_and_is_kept_as_a_hash(ci: Ci) -> None:
    text = ci.token()
    kept = (ci.served.private / "tokens.toml").read_text()
    assert text not in kept
    token = tomllib.loads(kept)["token"][-1]
    assert (token["expires"] - token["created"]).total_seconds() == 30 * 60
    assert token["claims"]["workflow"] == "release.yml"
    assert "; until" in ci.served.run("token", "list").ok()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"repository": "acme/crates-evil"}, "repository 'acme/crates-evil'"),
        ({"repository": "evil/crates"}, "no rule of this registry is for this job"),
        ({"ref": "refs/heads/main"}, "ref 'refs/heads/main'"),
        ({"environment": "staging"}, "environment 'staging'"),
        ({"environment": None}, "no rule of this registry is for this job"),
        ({"workflow_ref": "acme/crates/.github/workflows/evil.yml@refs/tags/v1.0.0"}, "workflow 'evil.yml'"),
        ({"workflow_ref": "acme/crates/.github/workflows/release.yml@x.yml@refs/tags/v1"}, "no rule"),
        ({"workflow_ref": "evil/crates/.github/workflows/release.yml@refs/tags/v1.0.0"}, "no rule"),
        ({"workflow_ref": None, "workflow": "release.yml"}, "no rule"),
        ({"event_name": "pull_request_target"}, "strangers can cause it"),
        ({"event_name": "workflow_run"}, "strangers can cause it"),
    ],
)
def test_a_job_that_no_rule_means_gets_no_token(ci: Ci, changed: dict[str, Any], says: str) -> None:
    ci.exchange(signed(ci.issuer.github(**changed))).failed(400, says)


@pytest.mark.parametrize(
    "changed",
    [
        {"ref_path": "refs/heads/v1", "ref": "refs/tags/v1"},
        {"project_path": "acme/rust/other"},
        {"ci_config_ref_uri": "gitlab.example.com/acme/rust/crates//evil/.gitlab-ci.yml@refs/tags/v1.0.0"},
    ],
)
def test_a_job_of_gitlab_that_no_rule_means_gets_no_token(ci: Ci, changed: dict[str, Any]) -> None:
    ci.exchange(signed(ci.issuer.gitlab(**changed))).failed(400, "no rule of this registry is for this job")


def test_tokens_that_prove_nothing_are_refused(ci: Ci) -> None:
    claims = ci.issuer.github()
    ci.exchange(signed(claims, key=None, algorithm="none")).failed(400, "proves nothing here")
    ci.exchange(signed(claims, key=OTHER)).failed(400, "Signature verification failed")
    ci.exchange(signed({**claims, "aud": "crates.io"})).failed(400, "this token is for 'crates.io'")
    ci.exchange(signed({**claims, "exp": claims["iat"] - 61})).failed(400, "this token has ended")
    ci.exchange(signed({**claims, "iss": "https://gitlab.com"})).failed(400, "no rule of this registry trusts")
    ci.exchange("x").failed(400, "this is no token of OpenID Connect")
    ci.exchange(signed(claims)).ok()


@pytest.mark.parametrize("body", [{}, [], {"jwt": 1}, "x"])
def test_bodies_that_hold_no_token_are_refused(ci: Ci, body: object) -> None:
    ci.ask("POST", body=body).failed(400, "the body is not")


def test_a_body_that_is_too_large_is_not_read(ci: Ci) -> None:
    ci.ask("POST", body={"jwt": "x" * 65_536}).failed(413, "more than 65536 bytes")


def test_a_token_of_the_ci_is_good_for_one_exchange(ci: Ci) -> None:
    text = signed(ci.issuer.github())
    token = ci.exchange(text).ok().json()["token"]
    ci.exchange(text).failed(400, "this token was used before")
    ci.ask("DELETE", token)
    ci.exchange(text).failed(400, "this token was used before")


def test_a_job_publishes_what_its_rule_names_and_nothing_else(ci: Ci, alice: Client) -> None:
    job = ci.client()
    job.publish(crate("other-core")).failed(403, "good for crates named acme-*, pay-*, and not for other-core")
    job.publish(crate("acme-new")).failed(403, "not for publish-new")
    alice.publish(crate("acme-owned")).ok()
    job.publish(crate("acme-owned", "1.0.1")).ok()
    job.yank("acme-owned", "1.0.0").failed(403, "not for yank")
    job.change_owners("PUT", "acme-owned", "carol").failed(403, "not for owners")
    ci.served.client("carol").publish(crate("pay-core")).ok()
    job.publish(crate("pay-core", "1.0.1")).ok()
    assert alice.owners("pay-core") == ["team:pay"]


def test_what_a_job_publishes_first_belongs_to_whom_its_rule_says(ci: Ci, alice: Client) -> None:
    ci.client(ci.issuer.gitlab()).publish(crate("rust-new")).ok()
    assert alice.owners("rust-new") == ["team:tools"]
    alice.publish(crate("rust-new", "1.0.1")).ok()


def test_any_issuer_is_trusted_by_its_own_claims(ci: Ci) -> None:
    file = crate("robot-arm").write(ci.served.folder)
    ci.served.run("add", file).ok()
    claims = ci.issuer.github(sub="robot")
    ci.client({name: claims[name] for name in ("sub", "iss", "aud", "exp", "iat", "jti")}).publish(
        crate("robot-arm", "1.0.1")
    ).ok()


def test_the_audit_file_has_the_claims_of_every_change(ci: Ci, alice: Client) -> None:
    alice.publish(crate("acme-noted")).ok()
    token = ci.token(ci.issuer.github(run_id="424242"))
    Client(ci.served.url, token).publish(crate("acme-noted", "1.0.1")).ok()
    ci.ask("DELETE", token)
    noted = [entry for entry in ci.audit() if entry["claims"].get("run_id") == "424242"]
    assert [(entry["action"], entry["user"], entry["outcome"]) for entry in noted] == [
        ("exchange", "acme/crates", "done"),
        ("publish", "acme/crates", "done"),
        ("revoke", "acme/crates", "done"),
    ]
    assert len({entry["token"] for entry in noted}) == 1
    assert noted[1]["claims"] == {
        "iss": ci.issuer.url,
        "repository": "acme/crates",
        "workflow": "release.yml",
        "environment": "release",
        "ref": "refs/tags/v1.0.0",
        "sub": "repo:acme/crates:environment:release",
        "actor": "alice",
        "run_id": "424242",
        "sha": "9a1f3c2b7d6e5f40312233445566778899aabbcc",
        "event_name": "push",
    }
    assert "exchange" in (said := ci.served.run("audit", "--user", "acme/crates").ok())
    assert "workflow=release.yml" in said
    assert token not in said


def test_a_crate_can_ask_for_trusted_publishing_only(ci: Ci, alice: Client) -> None:
    alice.publish(crate("acme-strict")).ok()
    path, body = "/api/v1/crates/acme-strict", b'{"crate": {"trustpub_only": true}}'
    ci.served.client("carol").ask("PATCH", path, body).failed(403, "acme-strict is owned by alice")
    assert alice.ask("PATCH", path, body).ok().json()["crate"]["trustpub_only"] is True
    alice.publish(crate("acme-strict", "1.0.1")).failed(403, "published by trusted publishing only")
    ci.client().publish(crate("acme-strict", "1.0.1")).ok()
    alice.yank("acme-strict", "1.0.0").ok()
    assert "trusted publishing only" in ci.served.run("owner", "acme-strict").err
    alice.change_owners("PUT", "acme-strict", "carol").ok()
    assert alice.ask("GET", path).ok().json()["crate"]["trustpub_only"] is True
    ci.served.run("owner", "acme-strict", "--no-trusted-only").ok()
    alice.publish(crate("acme-strict", "1.0.2")).ok()
    alice.ask("PATCH", path, b"{}").failed(400, "cannot be read")


def test_a_crate_without_an_owner_can_ask_for_it_too(ci: Ci) -> None:
    ci.served.run("add", crate("acme-dropped").write(ci.served.folder)).ok()
    assert "trusted publishing only" in ci.served.run("owner", "acme-dropped", "--trusted-only").err
    ci.served.client("carol").publish(crate("acme-dropped", "1.0.1")).failed(403, "has no owner")
    ci.client().publish(crate("acme-dropped", "1.0.1")).ok()
    assert ci.served.run("verify").code == 0


def test_a_lost_issuer_stops_new_exchanges_and_nothing_else(ci: Ci, alice: Client) -> None:
    with served_issuer() as other:
        settings = SETTINGS.format(issuer=other.url)
        served = Served(ci.served.folder / "lost", settings)
        served.tokens["alice"] = served.token("alice")
        with served.running("--publish"):
            lost = Ci(served, other)
            served.client("alice").publish(crate("acme-core")).ok()
            other.is_lost = True
            unlucky = signed(other.github())
            lost.exchange(unlucky).failed(503, "does not say which keys it has", "try again in a minute")
            served.client("alice").publish(crate("acme-core", "1.0.1")).ok()
        other.is_lost = False
        with served.running("--publish"):
            job = Client(served.url, lost.exchange(unlucky).ok().json()["token"])
        other.is_lost = True
        with served.running("--publish"):
            lost.exchange(signed(other.github())).failed(503)
            lost.exchange(unlucky).failed(503)
            job.publish(crate("acme-core", "1.0.2")).ok()  # a token that was exchanged before
        other.is_lost = False
        with served.running("--publish"):
            lost.exchange(unlucky).failed(400, "this token was used before")  # by a process that is gone


def test_keys_come_over_tls_from_an_issuer_whose_certificate_is_trusted_alone(tmp_path: Path) -> None:
    right, of_another = (make_certificate(tmp_path / host, host) for host in ("IP:127.0.0.1", "DNS:other.example"))
    for certificate, trusted, says in (
        (right, right, None),
        (right, None, "certificate verify failed: self"),
        (of_another, of_another, "IP address mismatch"),
    ):
        env = {"SSL_CERT_FILE": str(trusted)} if trusted else {}
        with served_issuer(certificate) as issuer:
            served = Served(tmp_path / "registry", SETTINGS.format(issuer=issuer.url))
            with served.running("--publish", env=env):
                answer = Ci(served, issuer).exchange(signed(issuer.github()))
            if says:
                answer.failed(503, issuer.url, says)
                assert issuer.asked == []
            else:
                answer.ok()


def test_without_the_url_that_tokens_are_for_nothing_is_served(ci: Ci) -> None:
    settings = SETTINGS.format(issuer=ci.issuer.url).replace('url = "https://crates.example.com/"\n', "")
    served = Served(ci.served.folder / "nameless", settings)
    ended = served.run("serve", "--publish")
    assert ended.code == 2
    assert "trusted publishing needs the URL that tokens are for" in ended.err
