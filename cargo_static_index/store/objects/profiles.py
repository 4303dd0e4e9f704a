"""Named profiles, as Amazon's tools keep them (AWS CLI: "Configuration and credential file settings").

The client library reads variables alone. Keys, region and endpoint are read; roles and sign-on are not.
"""

from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import Path

from cargo_static_index.diagnostics.errors import SettingsError

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
