"""What the front page shows: counts, what is new, and the blocks that say how to use the registry."""

from typing import Literal

from msgspec import Struct

from cargo_static_index.diagnostics.problems import Problem
from cargo_static_index.site.theme import SiteInfo


class Update(Struct, frozen=True, kw_only=True):
    """A release in the list of the newest."""

    name: str
    vers: str
    pubtime: str
    description: str


class FrontDocument(Struct, frozen=True, kw_only=True):
    """`index.json` at the root: what the registry is, for programs. `index` is the way to the index from here.

    `together` is the time at which more crates came than are named one by one, "" where none of the last did.
    """

    schema: Literal[1] = 1
    title: str
    description: str
    index: str
    crates: int
    releases: int
    updated: tuple[Update, ...]
    new: tuple[Update, ...]
    together: str = ""


class RefusedFile(Struct, frozen=True, kw_only=True):
    """A file of the drop directory that was refused, and why, in the words of the rules: its content is not shown.

    `last_seen` is a day, or the same as `first_seen` where that was on the same one.
    """

    path: str
    problems: tuple[Problem, ...]
    first_seen: str
    last_seen: str


class Block(Struct, frozen=True, kw_only=True):
    """A block to copy whole: into which file, after which words."""

    id: str
    title: str
    says: str
    file: str
    text: str


def blocks_of(site: SiteInfo) -> tuple[Block, ...]:
    """Give the blocks of the front page."""
    return (
        _local(site),
        *((_login(site),) if site.private else ()),
        _github(site),
        _gitlab(site),
        _container(site),
        *((_manifest(site),) if not site.mirror else ()),
    )


def variable_part(registry: str) -> str:
    """Give a registry's name as cargo's environment variables have it (cargo's book: "Configuration")."""
    return registry.upper().replace("-", "_")


def config_toml(site: SiteInfo) -> str:
    """Give the lines of `.cargo/config.toml`."""
    lines = [f"[registries.{site.registry}]", f'index = "{site.index_url}"']
    if site.private:
        # Without a provider of its own cargo refuses to read a private registry.
        lines.append('credential-provider = "cargo:token"')
    if site.mirror:
        lines = ["[source.crates-io]", f'replace-with = "{site.registry}"', "", *lines]
    return "\n".join(lines) + "\n"


def _local(site: SiteInfo) -> Block:
    says = (
        "Cargo then fetches from here what it would fetch from crates.io. Put it beside a project, or into ~/.cargo."
        if site.mirror
        else "Tell cargo where this registry is. Put it beside a project, or into ~/.cargo for all of yours."
    )
    return Block(id="local", title="Your machine", says=says, file=".cargo/config.toml", text=config_toml(site))


def _login(site: SiteInfo) -> Block:
    keeper = 'another credential-provider, such as "cargo:libsecret", "cargo:macos-keychain" or "cargo:wincred"'
    if site.api:
        says = f"This registry is private. Cargo asks for your token once; with {keeper}, it keeps it safe."
        file, text = "a terminal", f"cargo login --registry {site.registry}\n"
    else:  # `cargo login` refuses registries without a web API
        says = f"This registry is private. Keep your token where only you can read it; with {keeper}, in a safe place."
        file, text = "~/.cargo/credentials.toml", f'[registries.{site.registry}]\ntoken = "YOUR TOKEN"\n'
    return Block(id="login", title="Your token", says=says, file=file, text=text)


def _environment(site: SiteInfo) -> dict[str, str]:
    """Give the variables that say the same as config.toml; a source's replacement has none (cargo's book)."""
    name = variable_part(site.registry)
    found = {f"CARGO_REGISTRIES_{name}_INDEX": site.index_url}
    if site.private:
        found[f"CARGO_REGISTRIES_{name}_CREDENTIAL_PROVIDER"] = "cargo:token"
    return found


_CHECKED_IN = "Commit the .cargo/config.toml above with the project: cargo finds it there."
_VARIABLES = "Environment variables are enough; no file is written."


def _github(site: SiteInfo) -> Block:
    name = variable_part(site.registry)
    variables = {} if site.mirror else _environment(site)
    if site.private:
        variables[f"CARGO_REGISTRIES_{name}_TOKEN"] = "${{ secrets.CARGO_TOKEN }}"
    lines = ["on: push", *(["env:"] if variables else []), *(f"  {key}: {value}" for key, value in variables.items())]
    lines += ["jobs:", "  test:", "    runs-on: ubuntu-latest", "    steps:"]
    lines += ["      - uses: actions/checkout@v4", "      - run: cargo test --locked"]
    secret = " Keep the token as the secret CARGO_TOKEN." if site.private else ""
    says, text = (_CHECKED_IN if site.mirror else _VARIABLES) + secret, "\n".join(lines) + "\n"
    return Block(id="github", title="GitHub Actions", says=says, file=".github/workflows/test.yml", text=text)


def _gitlab(site: SiteInfo) -> Block:
    variables = {} if site.mirror else _environment(site)
    lines = ["test:", "  image: rust:1", *(["  variables:"] if variables else [])]
    lines += [f'    {key}: "{value}"' for key, value in variables.items()]
    lines += ["  script:", "    - cargo test --locked"]
    token = f"CARGO_REGISTRIES_{variable_part(site.registry)}_TOKEN"
    secret = f" Keep the token as the masked variable {token}." if site.private else ""
    says, text = (_CHECKED_IN if site.mirror else _VARIABLES) + secret, "\n".join(lines) + "\n"
    return Block(id="gitlab", title="GitLab CI", says=says, file=".gitlab-ci.yml", text=text)


def _container(site: SiteInfo) -> Block:
    name = variable_part(site.registry)
    lines = ["# syntax=docker/dockerfile:1", "FROM rust:1 AS build", "WORKDIR /src", "COPY . ."]
    if not site.mirror:
        lines += [f'ENV {key}="{value}"' for key, value in _environment(site).items()]
    says = _CHECKED_IN if site.mirror else "The variables are for the stage that builds."
    secret = f"--mount=type=secret,id=cargo-token,env=CARGO_REGISTRIES_{name}_TOKEN \\\n    " if site.private else ""
    lines.append(f"RUN {secret}cargo build --release --locked")
    if site.private:
        says += (
            " The token is a secret and stays out of the image: docker build --secret id=cargo-token,src=token.txt ."
        )
    return Block(id="container", title="A container", says=says, file="Dockerfile", text="\n".join(lines) + "\n")


def _manifest(site: SiteInfo) -> Block:
    return Block(
        id="manifest",
        title="Your crates",
        says="A dependency must name the registry, or cargo looks for it on crates.io. "
        "With publish, a crate that is meant for here can never be published to crates.io by mistake.",
        file="Cargo.toml",
        text=f'[package]\npublish = ["{site.registry}"]\n\n[dependencies]\n'
        f'some-crate = {{ version = "1", registry = "{site.registry}" }}\n',
    )
