"""An issuer of OpenID Connect on loopback, with the claims that GitHub and GitLab document."""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "crates.example.com"

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
OTHER = rsa.generate_private_key(65537, 2048)
"""A key that no issuer has."""


def public_keys() -> list[dict[str, Any]]:
    """Give the keys as an issuer shows them."""
    return [
        {**json.loads(RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "rsa", "use": "sig", "alg": "RS256"},
        {**json.loads(ECAlgorithm.to_jwk(EC.public_key())), "kid": "ec", "use": "sig"},
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"},
        {"kty": "of another time", "kid": "unknown"},
    ]


class FakeIssuer:
    """What an issuer answers; `url` is where, `asked` what it was asked for."""

    def __init__(self, url: str = "http://127.0.0.1:1", clock: Callable[[], float] = time.time) -> None:
        self.url = url
        self._clock = clock
        self.asked: list[str] = []
        self.is_lost = False
        self.keys = public_keys()
        self._count = 0

    def document(self, path: str) -> Any:
        """Give what stands at a path."""
        self.asked.append(path)
        if self.is_lost:
            raise OSError("the network is down")
        if path.endswith("/.well-known/openid-configuration"):
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", "response_types_supported": ["id_token"]}
        return {"keys": self.keys}

    def fetch(self, url: str) -> bytes:
        """Answer without a network."""
        return json.dumps(self.document(url.removeprefix(self.url))).encode()

    def github(self, **changed: Any) -> dict[str, Any]:
        """Give the claims that GitHub documents for a job of a tag, in an environment."""
        ref = changed.get("ref", "refs/tags/v1.0.0")
        return self._times() | {
            "sub": "repo:acme/crates:environment:release",
            "environment": "release",
            "ref": ref,
            "sha": "9a1f3c2b7d6e5f40312233445566778899aabbcc",
            "repository": "acme/crates",
            "repository_owner": "acme",
            "actor_id": "12",
            "repository_visibility": "private",
            "repository_id": "74",
            "repository_owner_id": "65",
            "run_id": "1234567890",
            "run_number": "10",
            "run_attempt": "2",
            "runner_environment": "github-hosted",
            "actor": "alice",
            "workflow": "Release",
            "workflow_ref": f"acme/crates/.github/workflows/release.yml@{ref}",
            "job_workflow_ref": f"acme/crates/.github/workflows/release.yml@{ref}",
            "head_ref": "",
            "base_ref": "",
            "event_name": "push",
            "ref_protected": "true",
            "ref_type": "tag",
            **changed,
        }

    def gitlab(self, **changed: Any) -> dict[str, Any]:
        """Give the claims that GitLab documents for a job of a tag."""
        return self._times() | {
            "namespace_id": "72",
            "namespace_path": "acme/rust",
            "project_id": "20",
            "project_path": "acme/rust/crates",
            "user_id": "1",
            "user_login": "alice",
            "user_email": "alice@example.com",
            "user_access_level": "owner",
            "pipeline_id": "574",
            "pipeline_source": "push",
            "job_id": "302",
            "ref": "v1.0.0",
            "ref_type": "tag",
            "ref_path": "refs/tags/v1.0.0",
            "ref_protected": "true",
            "groups_direct": ["acme/rust"],
            "environment": "release",
            "environment_protected": "false",
            "deployment_tier": "testing",
            "runner_id": 1,
            "runner_environment": "self-hosted",
            "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
            "project_visibility": "public",
            "ci_config_ref_uri": "gitlab.example.com/acme/rust/crates//.gitlab-ci.yml@refs/tags/v1.0.0",
            "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
            "sub": "project_path:acme/rust/crates:ref_type:tag:ref:v1.0.0",
            **changed,
        }

    def _times(self) -> dict[str, Any]:
        self._count += 1
        now = int(self._clock())
        return {
            "jti": f"{id(self)}-{self._count}",
            "iss": self.url,
            "aud": AUDIENCE,
            "nbf": now - 5,
            "exp": now + 300,
            "iat": now,
        }


def signed(claims: dict[str, Any], *, key: Any = RSA, kid: str | None = "rsa", algorithm: str = "RS256") -> str:
    """Sign claims as a CI does."""
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else None)


@contextmanager
def served_issuer(certificate: Path | None = None) -> Iterator[FakeIssuer]:
    """Serve an issuer on loopback until the `with` block ends, over TLS where a certificate is given."""
    issuer = FakeIssuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                content = json.dumps(issuer.document(self.path)).encode()
            except OSError:
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate, certificate.with_name("privkey.pem"))
            server.socket = context.wrap_socket(server.socket, server_side=True)
        issuer.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
