import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cargo_static_index.settings import KEYS, load_settings
from cargo_static_index.settings.options import takes_settings
from cargo_static_index.settings.template import show_settings

app = typer.Typer(rich_markup_mode=None)
ALL = (*KEYS, "rules")


@app.command()
@takes_settings(ALL)
def show(options: dict[str, object], word: str = "none") -> None:
    """Show the settings."""
    typer.echo(f"# word {word}")
    typer.echo(show_settings(load_settings(options, {}, Path("/"))))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
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
    (["--word", "own"], "# word own"),
]


@pytest.mark.parametrize(("arguments", "line"), GIVEN)
def test_an_option_reaches_its_setting(arguments: list[str], line: str) -> None:
    assert line in run(*arguments).splitlines()


def test_without_options_the_defaults_hold() -> None:
    shown = [line for line in run().splitlines() if "=" in line]
    assert all(line.endswith("# default") for line in shown)


def test_the_help_names_every_option_and_variable() -> None:
    page = subprocess.run(
        [sys.executable, "-c", "from tests.settings.test_options import app; app()", "--help"],
        cwd=Path(__file__).parents[2],
        env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    shown = " ".join(page.split())
    assert "is published. [env: CARGO_STATIC_INDEX_DROP_PATH] [default: drop] --drop-refused PATH" in shown
    for key in KEYS.values():
        assert key.option in shown
        assert key.off in shown
        assert f"[env: {key.variable}]" in shown
    assert "--rule" in shown
    assert "[env: CARGO_STATIC_INDEX_RULES]" in shown


def test_a_command_takes_only_the_options_that_it_names() -> None:
    small = typer.Typer(rich_markup_mode=None)
    small.command()(takes_settings(["drop.path"])(lambda options: typer.echo(sorted(options))))
    assert CliRunner().invoke(small, ["--drop", "x"]).output == "['drop.path']\n"
    assert CliRunner().invoke(small, ["--tree", "x"]).exit_code == 2
