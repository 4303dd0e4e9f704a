"""What is made from the command line: docs/commands.md, and the schemas of the JSON documents that commands print.

`python -m scripts.docs.commands_page` writes them anew in a checkout.
"""

import contextlib
import io
import json
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from cargo_static_index.cli import documents
from cargo_static_index.cli.app import PROGRAM, TABLE, make_program
from cargo_static_index.cli.doctor import DoctorDocument
from cargo_static_index.cli.push import PushDocument
from cargo_static_index.crate.metadata import CrateMetadata
from cargo_static_index.server.audit import AuditEntry
from scripts.docs import level

REWRITE: Final = "python -m scripts.docs.commands_page"
"""The command that writes the files of `pages` anew."""

DOCUMENTS: Final[Mapping[str, tuple[type[Struct], str]]] = {
    "build": (documents.BuildDocument, "build --json, add --json, check --json"),
    "release": (documents.ReleaseDocument, "a line of list --json"),
    "missing": (documents.MissingDocument, "missing --json"),
    "advisory": (documents.AdvisoryDocument, "a line of advisories --json"),
    "info": (documents.InfoDocument, "info --json"),
    "crate": (documents.SearchDocument, "a line of search --json"),
    "audit": (AuditEntry, "a line of audit --json"),
    "token": (documents.TokenDocument, "a line of token list --json"),
    "verify": (documents.VerifyDocument, "verify --json"),
    "reindex": (documents.ReindexDocument, "a line of reindex --json"),
    "event": (documents.EventDocument, "a line of watch --log-format json"),
    "status": (documents.StatusDocument, "status --json"),
    "push": (PushDocument, "push --json"),
    "doctor": (DoctorDocument, "doctor --json"),
}
"""Every document that commands print, by the name of its schema, with the command that prints it."""

OF_THE_TREE: Final[Mapping[str, tuple[type[Struct], str]]] = {
    "metadata": (CrateMetadata, "crates/NAME/SHA256.json in the tree"),
}
"""Documents of the published tree that other programs may read, too."""

_COLUMNS: Final = 100

_HEAD: Final = f"""\
# Commands

Results go to standard output, all else to standard error.

| exit code | means |
|---|---|
| 0 | all is good |
| 1 | something was refused or found wrong; what is good was done all the same |
| 2 | the command or the settings cannot be used as they are |
| 3 | disk, store or network failed, or another process kept the tree for longer than `--lock-timeout`: try again |
| 101 | a bug of this program: one sentence, and a file with the details |
| 130, 143 | ended by SIGINT (Ctrl-C) or SIGTERM, within 5 s; nothing is left half done |

`check`, `add`, `build` and `verify` print what they find as text, as JSON, or as GitHub, GitLab (Code Quality) or
SARIF 2.1.0 read it (`--output-format`).
Every JSON document of ours says `"schema": 1`, and its JSON Schema is in `cargo_static_index/schemas/`:

| schema | document |
|---|---|
{"".join(f"| `{name}.schema.json` | `{says}` |{chr(10)}" for name, (_, says) in {**DOCUMENTS, **OF_THE_TREE}.items())}
Colours follow `--color`, then `CARGO_TERM_COLOR`, then `NO_COLOR` and `CLICOLOR_FORCE`, then whether it is a terminal.
`SOURCE_DATE_EPOCH` is the clock where it is set.
`cargo static-index …` is the same program.

What follows is what `{PROGRAM} help COMMAND` prints, but that options which set a key of registry.toml, and those
that every command takes, stand there by their names alone: [settings](settings.md) and the first help say the rest.
"""

_SHARED: Final = ("Settings:", "Global options:")
"""The parts of a command's help that other commands have, too."""


def commands_page() -> str:
    """Give docs/commands.md."""
    helps = (f"## {name}\n\n```text\n{without_shared(help_of(name))}```\n" for name in TABLE)
    return "\n".join([_HEAD, f"```text\n{help_of()}```\n", *helps])


def without_shared(text: str) -> str:
    """Give a help with the names alone of the options that stand elsewhere, too."""
    parts = text.split("\n\n")
    return "\n\n".join(_names_alone(part) if part.startswith(_SHARED) else part for part in parts)


def _names_alone(part: str) -> str:
    """Give a part of a help with the first name of each of its options, and no more."""
    heading, *lines = part.splitlines()
    names = ", ".join(found[1] for line in lines if (found := re.match(r"  (?:-\w, )?(--[\w-]+)", line)))
    indented = textwrap.fill(
        names, _COLUMNS, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )
    return f"{heading}\n{indented}"


def help_of(name: str = "") -> str:
    """Give the help of a command, or of the program, as a terminal of 100 columns shows it."""
    arguments = [*name.split(), "--help"]
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        make_program().main(args=arguments, prog_name=PROGRAM, standalone_mode=False, terminal_width=_COLUMNS)
    return shown.getvalue()


def schema_of(name: str) -> str:
    """Give the JSON Schema of a document, as the file that is shipped."""
    kind, says = {**DOCUMENTS, **OF_THE_TREE}[name]
    made = msgspec.json.schema(kind)
    level(made["$defs"])
    document = made["$defs"][kind.__name__]
    document["required"] = ["schema", *document["required"]]  # it has a default in the type alone
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": says, **made}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def pages() -> dict[str, str]:
    """Give every file that is made from the command line, by its path in the repository."""
    schemas = {f"cargo_static_index/schemas/{name}.schema.json": schema_of(name) for name in (*DOCUMENTS, *OF_THE_TREE)}
    return {"docs/commands.md": commands_page(), **schemas}


if __name__ == "__main__":
    for path, content in pages().items():
        Path(path).write_text(content, encoding="utf-8")
