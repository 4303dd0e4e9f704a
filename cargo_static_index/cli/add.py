"""The commands that read files and publish them: build, add, check."""

from pathlib import Path
from typing import Annotated

import typer

from cargo_static_index.cli.command import (
    EVERY,
    AllOrNothing,
    AsJson,
    DryRun,
    OutputFormat,
    command,
    one_format,
)
from cargo_static_index.cli.run import Run

EXAMPLES = {
    "build": ("build", "build --drop drop --tree public --base-url https://crates.example.com/", "build --dry-run"),
    "add": ("add target/package/foo-1.0.0.crate", "add --restore foo-1.0.0.crate"),
    "check": ("check target/package/*.crate", "check --output-format github *.crate"),
}

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="The .crate files.", show_default=False)]
Move = Annotated[bool, typer.Option("--move", help="Let the base URL change; the old one becomes an alias.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 also for files refused by earlier passes.")]
KeepPages = Annotated[
    bool, typer.Option("--keep-pages", help="Keep pages as they are where only how they look has changed.")
]
Restore = Annotated[bool, typer.Option("--restore", help="Bring removed releases back.")]


@command(EVERY)
def build_command(
    run: Run,
    *,
    move: Move = False,
    all_or_nothing: AllOrNothing = False,
    strict: Strict = False,
    keep_pages: KeepPages = False,
    dry_run: DryRun = False,
    output_format: OutputFormat = "text",
    as_json: AsJson = False,
) -> int:
    """Publish what is new in the drop directory.

    Every new .crate file is read and checked whole; what is good is published, what is not is reported with all that
    is wrong and stays out. Files refused by an earlier pass are mentioned again until they are changed or taken away.
    With -v also every path of the tree that was written or deleted is listed.
    """
    from cargo_static_index.cli.build import Asked, build

    asked = Asked(output=one_format(output_format, as_json=as_json), dry=dry_run, all_or_nothing=all_or_nothing)
    return build(run, asked, move=move, strict=strict, keep_pages=keep_pages)


@command(EVERY)
def add_command(
    run: Run,
    *,
    files: Files,
    restore: Restore = False,
    all_or_nothing: AllOrNothing = False,
    dry_run: DryRun = False,
    output_format: OutputFormat = "text",
    as_json: AsJson = False,
) -> int:
    """Publish files given by name.

    They are read and checked as `build` does, may lie anywhere, and stay where they are.
    """
    from cargo_static_index.cli.build import Asked, add

    asked = Asked(output=one_format(output_format, as_json=as_json), dry=dry_run, all_or_nothing=all_or_nothing)
    return add(run, asked, files, restore=restore)


@command(EVERY)
def check_command(run: Run, *, files: Files, output_format: OutputFormat = "text", as_json: AsJson = False) -> int:
    """Read and check files, and publish nothing.

    Where there is a tree, they are also held against what it holds: conflicts, removed releases, colliding names.
    """
    from cargo_static_index.cli.build import Asked, check

    return check(run, Asked(output=one_format(output_format, as_json=as_json), dry=True), files)
