"""No text of somebody else's reaches a terminal, a log or a CI server as anything but text to read.

A registry in which everything has a hostile name or says something hostile, and every command in every format.
"""

import json
import os
import re
from pathlib import Path

import pytest

from tests.cli.program import run
from tests.crates import crate, tar_entry

FORGED = "x\nPublished evil 9.9.9\n::error::evil\r##[error]evil"
PAINTED = "\x1b[2J\x07\x80\x9b1m\u061c\u200b\u202e\u2028\ufeff\U000e0001"
WICKED = f"{FORGED}{PAINTED}"


@pytest.fixture(scope="module")
def wicked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry below a wicked folder: what can be published, what is refused, and a tree that somebody wrote to."""
    folder = tmp_path_factory.mktemp("home") / WICKED
    drop = folder / "drop"
    crate("foo", "1.0.0").package(
        description=WICKED, license=WICKED, authors=[WICKED], homepage=f"https://a/{WICKED}"
    ).write(drop / f"below {WICKED}", f"{FORGED}.crate")
    crate("bar", "1.0.0").file(f"src/{WICKED}", "").dependency("serde", target=f'cfg(a = "{PAINTED}")').write(drop)
    crate("bad", "1.0.0").dependency(WICKED, WICKED).feature(WICKED, [WICKED]).package(edition=WICKED).write(drop)
    crate("link", "1.0.0").entry(tar_entry(f"link-1.0.0/{WICKED}", kind=b"2", link=b"/")).write(drop)
    (drop / f"\x7f{PAINTED}.crate").write_bytes(b"\x1b[2J")
    Path(os.fsdecode(os.fsencode(drop) + b"/\xff\n::error::evil.crate")).write_bytes(b"")
    (drop / f"folder {FORGED}.crate").mkdir()
    (drop / f"away {FORGED}.crate").symlink_to(f"/{WICKED}")
    (folder / "registry.toml").write_text('registry.base-url = "https://crates.example.com/"\n')
    assert run("build", cwd=folder).code == 1
    _write_to_tree(folder / "public")
    return folder


def _write_to_tree(tree: Path) -> None:
    line = json.loads((tree / "index/3/f/foo").read_bytes())
    other = {**line, "vers": "2.0.0", "cksum": "0" * 64, WICKED: WICKED, "links": WICKED}
    lines = [json.dumps(each, ensure_ascii=False).encode() for each in (line, other)]
    (tree / "index/3/f/foo").write_bytes(b"\n".join([*lines, f'{{"name":"{PAINTED}'.encode(), b"\xff\x1b[2J", b""]))
    (tree / f"index/{WICKED}").write_bytes(b"{}\n")
    (tree / f"crates/foo/{WICKED}.crate").write_bytes(b"")
    (tree / f"crates/{FORGED}").mkdir()
    (tree / f"crates/{FORGED}/{'0' * 64}.crate").write_bytes(b"")
    (tree / f"{FORGED}.html").write_bytes(b"")


COMMANDS = [
    *(["build", "-n", "--output-format", output] for output in ("text", "json", "github", "gitlab", "sarif")),
    *(["verify", "--output-format", output] for output in ("text", "json", "github", "sarif")),
    ["verify", "--fix", "-n", "-v"],
    ["check", "-v", "drop/bar-1.0.0.crate", "drop/bad-1.0.0.crate", "registry.toml"],
    ["check", "--json", "drop/link-1.0.0.crate"],
    ["add", "-n", "-vv", f"{WICKED}.crate"],
    ["entry", "drop/bar-1.0.0.crate"],
    ["entry", "drop/bad-1.0.0.crate"],
    ["status", "-v"],
    ["status", "--json"],
    ["list"],
    ["list", WICKED],
    ["info", "foo"],
    ["info", "foo", "--json"],
    ["search", "foo"],
    ["search", "--json", "foo"],
    ["reindex", "-n", "--mode", "mirror"],
    ["reindex", "-n", "--json", "--mode", "mirror"],
    ["yank", "-n", f"foo@{WICKED}"],
    ["remove", "-n", f"{WICKED}@1.0.0"],
    ["rebuild", "-n", "--pages", "-v"],
    ["init", "--name", WICKED],
    ["explain", WICKED],
    ["help", WICKED],
    ["check-settings", "--show-settings", "--registry-name", "acme"],
    ["check-settings", "--rule", WICKED, "--drop", WICKED],
    ["check-settings", "--config", WICKED],
    ["check-settings", "-C", WICKED],
    [WICKED],
    [f"--{WICKED}"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(map(ascii, arguments))[:60])
def test_what_is_hostile_is_shown_escaped(wicked: Path, arguments: list[str]) -> None:
    ended = run(*arguments, cwd=wicked)
    assert ended.code != 101
    assert ended.out + ended.err
    for line in (ended.out + ended.err).split("\n"):
        assert line.isprintable(), ascii(line)
        assert not line.lstrip().startswith("Published evil")
        assert not re.search(r"##\w*\[", line)
        if line.lstrip().startswith("::"):
            assert "github" in arguments
            assert re.match(r"::(error|warning) file=[^:]+,title=[a-z0-9-]+::", line)


SETTINGS = [
    f"{json.dumps(FORGED)} = 1",
    f"[registry]\n{json.dumps(FORGED)} = {json.dumps(FORGED)}",
    f"[registry]\nname = {json.dumps(FORGED)}\nbase-url = {json.dumps(FORGED)}",
    f"[rules]\n{json.dumps(FORGED)} = {json.dumps(FORGED)}",
    "\u202e\x1b = '\x9b'",
]


@pytest.mark.parametrize("text", SETTINGS)
def test_a_hostile_settings_file_is_told_of_escaped(tmp_path: Path, text: str) -> None:
    (tmp_path / "registry.toml").write_text(text)
    ended = run("check-settings", cwd=tmp_path)
    assert ended.code == 2
    lines = (ended.out + ended.err).splitlines()
    assert all(line.isprintable() and line.startswith(("error: ", "  ")) for line in lines), lines
