"""The keys that a process has: its own, those of a profile, or of a web identity, a container or an instance.

The client library finds keys for itself in the same order (AWS SDKs and Tools: "Standardized credential providers"),
but reads no profiles, and shows them to nobody: requests that it does not know are signed here.
"""

import hashlib
import hmac
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from configparser import ConfigParser, Error
from functools import reduce
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
from msgspec import Struct

from cargo_static_index.diagnostics.errors import SettingsError

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


NOTHING: Mapping[str, str] = MappingProxyType({})


def resigned(
    method: str, url: str, keys: Keys, *, headers: Mapping[str, str] = NOTHING, query: Mapping[str, str] = NOTHING
) -> str:
    """Sign a signed URL anew, for a request with more in its query, and headers whose names are in small letters."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(query)
    asked.pop("X-Amz-Signature", None)
    asked.pop("X-Amz-Security-Token", None)
    scope = asked["X-Amz-Credential"].partition("/")[2]
    signed = {"host": parts.netloc, **headers}
    names = ";".join(sorted(signed))
    asked |= {"X-Amz-Credential": f"{keys.id}/{scope}", "X-Amz-SignedHeaders": names}
    asked |= {"X-Amz-Security-Token": keys.token} if keys.token else {}
    said = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(asked.items()))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    request = f"{method}\n{parts.path}\n{said}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
    text = f"AWS4-HMAC-SHA256\n{asked['X-Amz-Date']}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = reduce(_derived, scope.split("/"), f"AWS4{keys.secret}".encode())
    return f"{parts.scheme}://{parts.netloc}{parts.path}?{said}&X-Amz-Signature={_derived(key, text).hex()}"


def _derived(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


_READ = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
    "region": "AWS_REGION",
    "endpoint_url": "AWS_ENDPOINT_URL",
}


def with_profile(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Give an environment with what its profile says beside it; a variable counts before the profile.

    SettingsError where AWS_PROFILE names one that is not there, or has no keys.
    """
    if environment.get("AWS_ACCESS_KEY_ID"):
        return environment
    named = environment.get("AWS_PROFILE", "")
    given = _profile(environment, named or "default")
    if named and "AWS_ACCESS_KEY_ID" not in given:
        what = "gives no keys" if given else "is not there"
        raise SettingsError(
            f"AWS_PROFILE: the profile {named!r} {what}; for a role or a sign-on, set the variables that "
            f"`aws configure export-credentials --profile {named} --format env` prints"
        )
    return {**given, **{name: text for name, text in environment.items() if text}}


def _profile(environment: Mapping[str, str], name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    home = environment.get("HOME", "")
    for variable, file, section in (
        ("AWS_CONFIG_FILE", "config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name),
    ):
        path = environment.get(variable) or (f"{home}/.aws/{file}" if home else "")
        found.update(_section(Path(path), section) if path else {})
    return {variable: found[key] for key, variable in _READ.items() if key in found}


def _section(path: Path, section: str) -> Mapping[str, str]:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, Error, UnicodeDecodeError):
        raise SettingsError(f"{path} cannot be read as a file of profiles; mend it") from None  # it may hold secrets
    return parser[section] if parser.has_section(section) else {}
