"""The registry that is meant, and the token for it, are found as cargo finds them."""

import json
import sys
from pathlib import Path

import pytest

from cargo_static_index.client.config import CRATES_IO_INDEX, CargoConfig, RemoteRegistry
from cargo_static_index.diagnostics.errors import SettingsError

INDEX = "sparse+https://crates.example.com/index/"
ACME = RemoteRegistry(name="acme", index=INDEX)
PUBLISH = {"operation": "publish", "name": "foo", "vers": "1.0.0", "cksum": "0" * 64}

PLUGIN = f"""#!{sys.executable}
import json, sys
assert sys.argv[1:] == ["--cargo-plugin"]
print('{{"v": [1]}}')
asked = json.loads(input())
open(__file__ + ".asked", "w").write(json.dumps(asked))
print(json.dumps(ANSWER))
"""


def config(folder: Path, text: str = "", **environment: str) -> CargoConfig:
    (folder / "config.toml").write_text(text)
    return CargoConfig(folder / "nowhere", {"CARGO_HOME": str(folder), **environment})


def plugin(folder: Path, answer: object) -> Path:
    program = folder / "provider"
    program.write_text(PLUGIN.replace("ANSWER", repr(answer)))
    program.chmod(0o755)
    return program


def test_a_registry_is_found_by_its_name_its_index_or_as_the_default(tmp_path: Path) -> None:
    found = config(tmp_path, f'[registry]\ndefault = "acme"\n[registries.acme]\nindex = "{INDEX}"\n')
    assert found.registry(None, None) == found.registry("acme", None) == found.registry(None, INDEX) == ACME
    assert found.registry("crates-io", None) == found.registry(None, CRATES_IO_INDEX)
    assert found.registry(None, "sparse+https://b.example.com/").name is None
    by_variable = config(tmp_path, CARGO_REGISTRIES_OURS_INDEX=INDEX)
    assert by_variable.registry(None, INDEX).name == "ours"
    assert ACME.url == "https://crates.example.com/index/"


def test_what_is_no_registry_is_said(tmp_path: Path) -> None:
    found = config(tmp_path)
    with pytest.raises(SettingsError, match="no registry is named"):
        found.registry(None, None)
    with pytest.raises(SettingsError, match=r"has no registry 'acme'.*CARGO_REGISTRIES_ACME_INDEX"):
        found.registry("acme", None)
    with pytest.raises(SettingsError, match="is no sparse one"):
        found.registry(None, "https://crates.example.com/index/")
    with pytest.raises(SettingsError, match="must end in a slash"):
        found.registry(None, INDEX.rstrip("/"))
    with pytest.raises(SettingsError, match=r"config\.toml cannot be read"):
        config(tmp_path, "[")


def test_a_stored_token_comes_from_a_variable_or_from_credentials(tmp_path: Path) -> None:
    (tmp_path / "credentials.toml").write_text('[registry]\ntoken = "c"\n[registries.acme]\ntoken = "a"\n')
    assert config(tmp_path).token(ACME, PUBLISH) == "a"
    assert config(tmp_path, CARGO_REGISTRIES_ACME_TOKEN="v").token(ACME, PUBLISH) == "v"
    assert config(tmp_path).token(RemoteRegistry(name="crates-io", index=CRATES_IO_INDEX), PUBLISH) == "c"
    assert config(tmp_path).token(RemoteRegistry(name=None, index=INDEX), PUBLISH) is None
    assert config(tmp_path).token(RemoteRegistry(name="other", index=INDEX), PUBLISH) is None


def test_a_program_that_prints_the_token_is_told_which_registry_is_meant(tmp_path: Path) -> None:
    echo = """[registries.acme]\ncredential-provider = ["cargo:token-from-stdout", "sh", "-c", "echo {}"]\n"""
    text = echo.format("$CARGO_REGISTRY_NAME_OPT $CARGO_REGISTRY_INDEX_URL")
    assert config(tmp_path, text).token(ACME, PUBLISH) == f"acme {INDEX}"
    with pytest.raises(SettingsError, match="must print the token as its one line"):
        config(tmp_path, echo.format("a; echo b")).token(ACME, PUBLISH)
    with pytest.raises(SettingsError, match="the credential provider 'sh' failed"):
        config(tmp_path, echo.format("; exit 3")).token(ACME, PUBLISH)


def test_a_provider_is_asked_by_cargos_protocol(tmp_path: Path) -> None:
    program = plugin(tmp_path, {"Ok": {"kind": "get", "token": "t", "cache": "never"}})
    aliased = f'[credential-alias]\nours = "{program} --account me"\n'
    found = config(tmp_path, f'{aliased}[registries.acme]\ncredential-provider = "ours"\n')
    assert found.token(ACME, PUBLISH) == "t"
    asked = json.loads(program.with_name("provider.asked").read_text())
    registry = {"index-url": INDEX, "name": "acme"}
    assert asked == {"v": 1, "registry": registry, "kind": "get", "args": ["--account", "me"], **PUBLISH}


def test_the_last_of_the_providers_for_all_that_has_a_token_gives_it(tmp_path: Path) -> None:
    (tmp_path / "credentials.toml").write_text('[registries.acme]\ntoken = "a"\n')
    program = plugin(tmp_path, {"Err": {"kind": "not-found"}})
    found = config(tmp_path, f'[registry]\nglobal-credential-providers = ["cargo:token", "{program}"]\n')
    assert found.token(ACME, PUBLISH) == "a"
    assert program.with_name("provider.asked").exists()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"Err": {"kind": "other", "message": "locked"}}, "says: locked"),
        ({"Err": {"kind": "operation-not-supported"}}, "says: operation-not-supported"),
        ({"Neither": 1}, "does not speak cargo's protocol"),
    ],
)
def test_what_a_provider_fails_with_is_said(tmp_path: Path, answer: object, says: str) -> None:
    program = plugin(tmp_path, answer)
    found = config(tmp_path, f'[registries.acme]\ncredential-provider = ["{program}"]\n')
    with pytest.raises(SettingsError, match=says):
        found.token(ACME, PUBLISH)


def test_providers_that_are_built_into_cargo_cannot_be_asked(tmp_path: Path) -> None:
    found = config(tmp_path, '[registries.acme]\ncredential-provider = ["cargo:libsecret"]\n')
    with pytest.raises(SettingsError, match=r"is built into cargo.*set CARGO_REGISTRIES_ACME_TOKEN for this run"):
        found.token(ACME, PUBLISH)
