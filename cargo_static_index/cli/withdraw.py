"""The commands that change what is published: yank, unyank, remove, owner."""

from collections.abc import Sequence
from itertools import pairwise

import click

from cargo_static_index.cli.command import OF_A_TREE, command
from cargo_static_index.cli.options import argument, dry_run, yes
from cargo_static_index.cli.output import ChangeListener, from_here
from cargo_static_index.cli.run import GOOD, Run, existing_tree
from cargo_static_index.cli.terminal import is_confirmed, is_interactive
from cargo_static_index.diagnostics.errors import NotHeld, SettingsError
from cargo_static_index.protocol.semver import is_version
from cargo_static_index.registry.dependents import dependents_of
from cargo_static_index.registry.options import Options
from cargo_static_index.registry.registry import open_registry, specs_of
from cargo_static_index.registry.similar import hint_for
from cargo_static_index.registry.withdraw import Spec, was_removed
from cargo_static_index.tree.owners import Owners, read_owners
from cargo_static_index.tree.read import read_index

_names = argument("names", nargs=-1, required=True, metavar="NAME@VERSION...", says="The releases.")
_version = click.option("--version", metavar="VERSION", help="The version, where one name is given without.")


@command(
    OF_A_TREE,
    own_version=True,
    outlives=True,
    examples=("yank foo@1.0.0", "yank foo --version 1.0.0", "yank foo@1.0.0 --undo"),
)
@_names
@_version
@click.option("--undo", is_flag=True, help="Let the releases be chosen again, as `unyank` does.")
@dry_run
def yank_command(run: Run, *, names: Sequence[str], version: str | None, undo: bool, dry_run: bool) -> int:
    """Keep releases from being chosen anew.

    As with cargo's own `yank`, a lock file that names one still gets it.
    """
    return _set_yanked(run, _specs(names, version), yanked=not undo, dry=dry_run)


@command(OF_A_TREE, own_version=True, examples=("unyank foo@1.0.0",), outlives=True)
@_names
@_version
@dry_run
def unyank_command(run: Run, *, names: Sequence[str], version: str | None, dry_run: bool) -> int:
    """Let releases be chosen again that were yanked."""
    return _set_yanked(run, _specs(names, version), yanked=False, dry=dry_run)


def _set_yanked(run: Run, specs: Sequence[Spec], *, yanked: bool, dry: bool) -> int:
    from cargo_static_index.cli.audit import note

    existing_tree(run)
    with open_registry(run.settings, ChangeListener(run, dry=dry), Options(now=run.now, dry=dry)) as registry:
        changed = registry.set_yanked(specs, yanked=yanked)
    if not dry:
        note(run, "yank" if yanked else "unyank", [(spec.name, spec.vers, "") for spec in changed])
    what = "yank" if yanked else "unyank"
    for spec in specs:
        if spec in changed:
            run.terminal.did(f"Would {what}" if dry else f"{what}ed".capitalize(), str(spec))
        else:
            run.terminal.did("Unchanged", f"{spec} was {'yanked' if yanked else 'not yanked'} before")
    return GOOD


@command(OF_A_TREE, examples=("remove foo@1.0.0", "remove foo --all --yes"), outlives=True)
@_names
@click.option("--all", "every", is_flag=True, help="Remove every version of the crates that are named.")
@click.option("--now", is_flag=True, help="Delete the archives at once, those kept of an earlier removal too.")
@yes
@dry_run
def remove_command(run: Run, *, names: Sequence[str], every: bool, now: bool, yes: bool, dry_run: bool) -> int:
    """Take releases out for good.

    Lock files that name one no longer build: `yank` is the gentle way. A tombstone keeps it from coming back with
    the next `build`; `add --restore` brings it back. On a terminal the command asks first, elsewhere it wants --yes.
    What was removed before stays so: a removal that broke off is finished by doing it again. The archives stay for as
    long as --keep-removed says, so that builds that have chosen them already succeed.
    """
    from cargo_static_index.cli.audit import note

    specs = _specs(names, None, every=every)
    existing_tree(run)
    for text in _still_needed(run, [release for spec in specs for release in _releases(run, spec)]):
        run.terminal.warn(text)
    if not (dry_run or yes):
        _ask(run, specs)
    with open_registry(run.settings, ChangeListener(run, dry=dry_run), Options(now=run.now, dry=dry_run)) as registry:
        removed = registry.remove(specs, now=now)
        kept = registry.kept_until()
        dropped = [file for spec in removed for file in registry.dropped_files(spec)]
    if not dry_run:
        note(run, "remove", [(spec.name, spec.vers, "") for spec in removed])
    for spec in removed:
        run.terminal.did("Would remove" if dry_run else "Removed", str(spec))
        if spec in kept:
            run.terminal.say(f"note: the archive of {spec} is kept until {kept[spec]}; --now deletes it at once")
    for spec in specs:
        if not any(spec in {stone, Spec(stone.name)} for stone in removed):
            run.terminal.did("Unchanged", f"{spec} was removed before")
    for file in dropped:
        run.terminal.say(f"note: {from_here(file)} is still in the drop directory; the tombstone keeps it out")
    return GOOD


def _still_needed(run: Run, going: Sequence[Spec]) -> list[str]:
    """Say which crates depend on releases that go."""
    gone = set(going)
    said = {
        f"{dependent.name} {dependent.version} depends on {spec.name} {dependent.requirement}, and {spec} goes": None
        for dependent in dependents_of(existing_tree(run), {spec.name for spec in going})
        for spec in going
        if spec.name == dependent.needs
        and dependent.takes(spec.vers)
        and Spec(dependent.name, dependent.version) not in gone
    }
    return list(said)


def _ask(run: Run, specs: Sequence[Spec]) -> None:
    """Say what would go and ask, or raise SettingsError where nobody can be asked or the answer is no."""
    if not is_interactive():
        raise SettingsError("removing is for good: say --yes where nobody can be asked, or --dry-run to look first")
    going = [release for spec in specs for release in _releases(run, spec)]
    if not going:
        return
    run.terminal.say("These releases go for good:", *(f"  {release}" for release in going), "")
    if not is_confirmed("Remove them?"):
        raise SettingsError("nothing was removed")


def _releases(run: Run, spec: Spec) -> list[Spec]:
    """Give the releases that are meant and held; none where they were removed before."""
    file = read_index(existing_tree(run), spec.name).value
    found = [Spec(line.name, line.vers) for line in file.releases if spec.vers in {"", line.vers}]
    if not (found or was_removed(existing_tree(run), spec)):
        raise NotHeld(f"there is no {spec} in this registry; {hint_for(existing_tree(run), spec.name)}")
    return found


def _specs(names: Sequence[str], version: str | None, *, every: bool = False) -> tuple[Spec, ...]:
    """Read the releases that a command names, or raise SettingsError with the way to name them."""
    for name, vers in pairwise(names):
        if "@" not in name and is_version(vers):
            raise SettingsError(f"{vers!r} is a version, and not a crate; did you mean `{name}@{vers}`?")
    specs = specs_of(names)
    if version is not None:
        if len(specs) != 1 or specs[0].vers:
            raise SettingsError("--version goes with one name without a version: `yank foo --version 1.0.0`")
        return (Spec(specs[0].name, version),)
    for spec in specs:
        if every and spec.vers:
            raise SettingsError(f"--all means every version: write `{spec.name} --all`, or `{spec}` without --all")
        if not every and not spec.vers:
            raise SettingsError(
                f"which version of {spec.name!r}? Write `{spec.name}@1.0.0`; `list {spec.name}` shows them"
            )
    return specs


@command(OF_A_TREE, examples=("owner foo", "owner foo --add alice", "owner foo --add team:tools --remove alice"))
@argument("name", metavar="NAME", says="The crate.")
@click.option("--add", metavar="OWNER", multiple=True, help="A user, or team:NAME, to become an owner.")
@click.option("--remove", metavar="OWNER", multiple=True, help="An owner to be none any more.")
@click.option(
    "--trusted-only/--no-trusted-only",
    default=None,
    help="Whether cargo may publish new versions by trusted publishing alone.",
)
def owner_command(run: Run, *, name: str, add: Sequence[str], remove: Sequence[str], trusted_only: bool | None) -> int:
    """Show or change who owns a crate.

    Owners are for the publish endpoint: they may publish versions of the crate, yank them and name more owners. What
    came from the drop directory or the command line has none, and cargo may not change it until it gets one here.
    """
    (spec,) = specs_of([name])
    from cargo_static_index.cli.audit import note

    store = existing_tree(run)
    if add or remove or trusted_only is not None:
        with open_registry(run.settings, ChangeListener(run, dry=False), Options(now=run.now)) as registry:
            held = registry.change_owners(spec.name, add=add, remove=remove, trusted_only=trusted_only)
        note(run, "change owners", [(spec.name, "", " ".join((*held.owners, *_only(held))))])
    else:
        found = read_owners(store, spec.name).value
        held = found or Owners(schema=1, name=spec.name, owners=())
    for owner in held.owners:
        run.terminal.result(owner)
    if not held.owners:
        run.terminal.say(f"{spec.name} has no owner")
    for sentence in _only(held):
        run.terminal.say(f"{spec.name}: {sentence}")
    return GOOD


def _only(owners: Owners) -> tuple[str, ...]:
    return ("new versions by trusted publishing only",) if owners.trusted_only else ()
