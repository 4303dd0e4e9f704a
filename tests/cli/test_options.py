from collections.abc import Iterable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cargo_static_index.cli.command import Command
from cargo_static_index.cli.options import setting_options
from cargo_static_index.settings import KEYS, load_settings
from cargo_static_index.settings.template import show_settings

ALL = (*KEYS, "rules")


def show(keys: Iterable[str] = ALL) -> click.Command:
    """Give a command that shows what the options of some keys give."""

    def body(**given: object) -> None:
        options = {name: given[option.name] for name, option in made.items() if option.name}
        click.echo(show_settings(load_settings(options, {}, Path("/"))))

    made = dict(zip(keys, setting_options(keys), strict=True))
    return click.Command("show", params=list(made.values()), callback=body)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(show(), list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


GIVEN = [
    (["--drop", "in"], 'drop.path = "/in"  # from --drop'),
    (["--base-url", "https://x.example"], 'registry.base-url = "https://x.example/"  # from --base-url'),
    (["--no-tree-flush"], "tree.flush = false  # from --no-tree-flush"),
    (["--tree-flush"], "tree.flush = true  # from --tree-flush"),
    (["-j", "3"], "build.jobs = 3  # from --build-jobs"),
    (
        ["--aliases", "https://a.example/", "--aliases", "https://b.example/"],
        'registry.aliases = ["https://a.example/", "https://b.example/"]  # from --aliases',
    ),
    (["--rule", "vcs-dirty=refuse", "--rule", "reserved-name=warn"], 'rules.vcs-dirty = "refuse"  # from --rule'),
]


@pytest.mark.parametrize(("arguments", "line"), GIVEN)
def test_an_option_reaches_its_setting(arguments: list[str], line: str) -> None:
    assert line in run(*arguments).splitlines()


def test_without_options_the_defaults_hold() -> None:
    shown = [line for line in run().splitlines() if "=" in line]
    assert all(line.endswith("# default") for line in shown)


def test_the_help_names_every_option_and_variable() -> None:
    command = Command("show", params=(), keys=ALL, own_version=False)
    page = CliRunner().invoke(command, ["--help"], terminal_width=100).output
    shown = " ".join(page.split())
    assert "[env: CARGO_STATIC_INDEX_DROP_PATH] [default: drop] --drop-refused PATH|URL" in shown
    for key in KEYS.values():
        assert key.option in shown
        assert key.off in shown
        assert f"[env: {key.variable}]" in shown
    assert "--rule" in shown
    assert "[env: CARGO_STATIC_INDEX_RULES]" in shown


def test_a_command_takes_only_the_options_that_it_names() -> None:
    small = show(["drop.path"])
    assert '"/x"  # from --drop' in CliRunner().invoke(small, ["--drop", "x"]).output
    assert CliRunner().invoke(small, ["--tree", "x"]).exit_code == 2
