"""The keys that a process has: its own, or those that a web identity, a container or an instance gives it.

The client library finds the same for itself, in the same order, and shows them to nobody; requests that it does not
know are signed with these (AWS SDKs and Tools: "Standardized credential providers").
"""

import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

KEPT_SECONDS: Final = 240
"""How long keys are kept: an instance gives new ones at least five minutes before the old ones end."""

_SECONDS: Final = 2
"""How long an answer is waited for: who gives keys is near, or is not there."""

_CONTAINERS, _INSTANCE = "http://169.254.170.2", "http://169.254.169.254"

VARIABLES: Final = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_METADATA_ENDPOINT",
)
"""What tells who gives keys."""


class Keys(Struct, frozen=True, rename={"id": "AccessKeyId", "secret": "SecretAccessKey", "token": "Token"}):
    """An access key, its secret, and the token of a session, "" for none."""

    id: str
    secret: str
    token: str = ""


class Identity:
    """The keys of an environment, asked for when they are needed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._found: Keys | None = None
        self._until = 0.0

    def keys(self) -> Keys | None:
        """Give keys that hold for some minutes; None where nobody gives any."""
        if time.monotonic() >= self._until:
            try:
                self._found = self._ask()
            except (OSError, ValueError):
                self._found = None
            self._until = time.monotonic() + KEPT_SECONDS
        return self._found

    def _ask(self) -> Keys | None:
        given = self._environment
        if key := given.get("AWS_ACCESS_KEY_ID"):
            return Keys(key, given.get("AWS_SECRET_ACCESS_KEY", ""), given.get("AWS_SESSION_TOKEN", ""))
        if given.get("AWS_WEB_IDENTITY_TOKEN_FILE") and given.get("AWS_ROLE_ARN"):
            return self._of_web_identity()
        if path := given.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
            return _keys_at(f"{_CONTAINERS}{path}", {})
        if url := given.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            return _keys_at(url, dict(self._authorization()))
        if given.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
            return None
        return self._of_instance()

    def _authorization(self) -> Iterator[tuple[str, str]]:
        if path := self._environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            yield "Authorization", Path(path).read_text(encoding="ascii").strip()

    def _of_web_identity(self) -> Keys | None:
        """Ask for a role's keys (AWS STS: "AssumeRoleWithWebIdentity")."""
        given = self._environment
        region = given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION") or "us-east-1"
        asked = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": given["AWS_ROLE_ARN"],
            "RoleSessionName": given.get("AWS_ROLE_SESSION_NAME") or "cargo-static-index",
            "WebIdentityToken": Path(given["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_text(encoding="ascii").strip(),
        }
        url = given.get("AWS_ENDPOINT_URL_STS") or f"https://sts.{region}.amazonaws.com"
        text = _asked("POST", url, {}, urllib.parse.urlencode(asked).encode()).decode()
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        found = [re.search(rf"<{name}>([^<]+)</{name}>", text) for name in names]
        return Keys(*(text[1] for text in found if text)) if all(found) else None

    def _of_instance(self) -> Keys:
        """Ask for the keys of an instance's role (EC2: "Retrieve security credentials from instance metadata")."""
        base = self._environment.get("AWS_METADATA_ENDPOINT") or _INSTANCE
        token = _asked("PUT", f"{base}/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "600"}).decode()
        headers = {"X-aws-ec2-metadata-token": token}
        roles = f"{base}/latest/meta-data/iam/security-credentials/"
        role = _asked("GET", roles, headers).decode().split("\n")[0]
        return _keys_at(f"{roles}{role}", headers)


def _keys_at(url: str, headers: Mapping[str, str]) -> Keys:
    return msgspec.json.decode(_asked("GET", url, headers), type=Keys)


def _asked(method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310 - the process was told of it
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content
