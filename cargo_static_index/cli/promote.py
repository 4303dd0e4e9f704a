"""The command that takes releases from one tree into another: promote."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from cargo_static_index.cli.build import make_teller
from cargo_static_index.cli.command import OF_A_TREE, command, sections
from cargo_static_index.cli.options import argument, as_json, dry_run
from cargo_static_index.cli.run import Run
from cargo_static_index.cli.sync import place_of_tree
from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.registry.options import Options

_LEFT_OUT = {"tree.path", "state.path"}
_KEYS = (*OF_A_TREE, *sections("limits", "pages", "dependencies", "manifest"))


@command(
    tuple(key for key in dict.fromkeys(_KEYS) if key not in _LEFT_OUT),
    examples=("promote staging acme-text@1.2.0 public", "promote s3://staging acme-text@1.2.0 acme-units s3://crates"),
)
@argument("source", metavar="FROM", says="The tree to take releases from: a folder, or the URL of a bucket.")
@argument("specs", nargs=-1, required=True, metavar="NAME[@VERSION]...", says="The releases, or all of a crate.")
@argument("target", metavar="TO", says="The tree to publish them in, which must be there.")
@dry_run
@as_json
def promote_command(run: Run, *, source: str, specs: Sequence[str], target: str, dry_run: bool, as_json: bool) -> int:
    """Publish releases of one tree in another, such as those of a staging registry in that for all.

    They are checked as `add` does, and keep the time of their publication and their yank. Dependencies that name the
    source mean the target there, whose base URL it becomes an alias of. What they need and the target does not hold
    is said: promote it as well.
    """
    from cargo_static_index.registry.registry import promote_releases, specs_of

    come_from, go_to = place_of_tree(source), place_of_tree(target)
    if come_from == go_to:
        raise SettingsError(f"{source} and {target} are the same tree; name two")
    teller = make_teller(run, "add", "json" if as_json else "text", dry=dry_run)
    with tempfile.TemporaryDirectory(prefix="cargo-static-index-") as state:
        settings = replace(run.settings, tree=replace(run.settings.tree, path=go_to))
        settings = replace(settings, state=replace(settings.state, path=Path(state) / "state"), shared_state=None)
        left = promote_releases(come_from, specs_of(specs), settings, teller, Options(now=run.now, dry=dry_run))
    for need in left:
        held = ", ".join(need.held[-5:])
        there = f"{source} has {held}: promote one as well" if held else "nor is it at the source"
        teller.warn(f"{need.name} {need.version} needs {need.needs} {need.requirement}, which {target} lacks; {there}")
    return teller.finish()
