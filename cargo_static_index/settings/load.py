"""Settings from options, environment, registry.toml and defaults, in that order of precedence.

Only `find_settings_file` and `load_settings` touch the disk. Everything wrong is reported at once.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from cargo_static_index.diagnostics.errors import InvalidInput, SettingsError
from cargo_static_index.diagnostics.rule import LEVELS, is_own
from cargo_static_index.diagnostics.rules import RULES
from cargo_static_index.settings.keys import FILE_NAME, KEYS, SECTIONS
from cargo_static_index.settings.layers import (
    Given,
    config_from,
    empty_layer,
    environment_layer,
    file_layer,
    options_layer,
    unknown_rule,
)
from cargo_static_index.settings.table import Settings
from cargo_static_index.store.bucket import Bucket, Whereabouts, is_below
from cargo_static_index.store.local.ownership import Users, may_have, objection, trusted_users

DEFAULT = "default"


class Loaded(Struct, frozen=True, kw_only=True):
    """Settings and where they come from.

    `sources` has every key by its name (`drop.path`) and every rule that is changed (`rules.vcs-dirty`): the option,
    the variable or the file's name that gave it, or "default". `file` is the registry.toml that was read, if any.
    """

    settings: Settings
    sources: Mapping[str, str]
    warnings: tuple[str, ...]
    file: Path | None


def given_values(options: Mapping[str, object], directory: Path) -> dict[str, object]:
    """Give what options give, as TOML has it, by the names of keys and of rules (`rules.vcs-dirty`)."""
    return {name: given.value for name, given in options_layer(options, directory).given.items()}


def find_settings_file(directory: Path) -> Path | None:
    """Look for registry.toml in a folder and in those above it, or raise SettingsError where looking is forbidden."""
    for folder in (directory, *directory.parents):
        try:
            if (folder / FILE_NAME).is_file():
                return folder / FILE_NAME
        except OSError as error:
            raise SettingsError(f"{folder / FILE_NAME} cannot be looked at: {error.strerror}") from error
    return None


def load_settings(
    options: Mapping[str, object], environment: Mapping[str, str], directory: Path, config: Path | None = None
) -> Loaded:
    """Read the settings that hold in `directory`, or raise SettingsError with all that is wrong in them.

    `options` has values, or texts as typed, by key name (`drop.path`), and `rules` as a list of ID=LEVEL; None is an
    option not given. `config` is the file that `--config` names.
    """
    directory = directory.absolute()
    named = config_from(environment, directory, config)
    file = named[0] if named else find_settings_file(directory)
    users = None if named else trusted_users(environment)
    source = _read(file, named[1] if named else FILE_NAME, users) if file else None
    loaded = parse_settings(options, environment, directory, file, source or "")
    own_rules = loaded.settings.registry.own_rules
    if own_rules and file and users is not None and loaded.sources["registry.own-rules"] == file.name:
        _refuse_rules_of_strangers(own_rules, users)
    # A user of a tree that others work on too has a state directory of their own, where none is named.
    shared = loaded.settings.state.path
    own = own_state(shared, environment)
    if loaded.sources["state.path"] != DEFAULT or own is None or may_have(shared):
        return loaded
    settings = loaded.settings
    return replace(loaded, settings=replace(settings, state=replace(settings.state, path=own), shared_state=shared))


def own_state(shared: Path, environment: Mapping[str, str]) -> Path | None:
    """Give the caller's own state directory in the place of one that is not theirs; None where they have no home.

    It is a cache, so it lies among the user's caches (freedesktop.org: "XDG Base Directory Specification"), by the path
    of the other.
    """
    caches = Path(environment.get("XDG_CACHE_HOME") or "")
    if not caches.is_absolute():
        caches = Path(environment.get("HOME") or "") / ".cache"
    return caches / "cargo-static-index" / shared.relative_to(shared.anchor) if caches.is_absolute() else None


def _read(file: Path, named_by: str, users: Users | None) -> str:
    """Read a settings file; one that was only found must be of these users, and its folder too."""
    try:
        with _opened(file.parent, os.O_DIRECTORY) as folder, _opened(Path(file.name), os.O_NOCTTY, folder) as opened:
            if users is not None:
                _refuse_strangers(file, folder, opened, users)
            with open(opened, encoding="utf-8", closefd=False) as stream:
                return stream.read().removeprefix("\ufeff")
    except FileNotFoundError as error:
        raise SettingsError(f"{named_by}: there is no file {str(file)!r}; `init` makes one") from error
    except OSError as error:
        raise SettingsError(f"{named_by}: {str(file)!r} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: this is not TOML: it is not UTF-8 at byte {error.start}") from error


@contextmanager
def _opened(path: Path, flags: int, folder: int | None = None) -> Iterator[int]:
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags, dir_fd=folder)
    try:
        yield opened
    finally:
        os.close(opened)


def _refuse_strangers(file: Path, folder: int, opened: int, users: Users) -> None:
    # Attack: somebody puts a registry.toml into a folder above the caller's, and has the caller's commands run its
    # templates, or publish files that only the caller may read.
    with _opened(Path(os.path.realpath(file)).parent, os.O_DIRECTORY) as beyond:  # where the file is a link
        for what, found in (("", opened), ("the folder of ", folder), ("the folder of ", beyond)):
            if why := objection(found, users):
                from shlex import quote

                raise SettingsError(
                    f"{what}{file} {why}, so it does not count where it was only found: what it names is run and "
                    "published as you. To use it all the same, name it: "
                    f"`cargo-static-index --config {quote(str(file))} …`"
                )


def _refuse_rules_of_strangers(path: Path, users: Users) -> None:
    # Attack: the settings file is the caller's, and what it has run is a file that somebody else can write.
    try:
        with _opened(path, os.O_NONBLOCK) as opened, _opened(Path(os.path.realpath(path)).parent, 0) as folder:
            for what, found in (("", opened), ("the folder of ", folder)):
                if why := objection(found, users):
                    from shlex import quote

                    raise SettingsError(
                        f"{what}{path} {why}, so it does not count where it is only named by a file that was found: "
                        "it is run as you. To use it all the same, name it: "
                        f"`cargo-static-index --own-rules {quote(str(path))} …`"
                    )
    except OSError:
        return  # whoever needs it says so


def parse_settings(
    options: Mapping[str, object], environment: Mapping[str, str], directory: Path, file: Path | None, source: str
) -> Loaded:
    """Do what `load_settings` does without a disk: `source` is the text of registry.toml, which stands at `file`.

    Without a `file` there is no registry.toml. Relative paths of the file start from its folder, those of the options
    and the environment from `directory`. Raises SettingsError with all that is wrong.
    """
    base = file.parent if file else directory
    from_file = file_layer(file, source) if file else empty_layer()
    from_environment = environment_layer(environment, directory)
    from_options = options_layer(options, directory)
    problems = [*from_file.problems, *from_environment.problems, *from_options.problems]
    values = {name: key.row(base) for name, key in KEYS.items()}
    sources = dict.fromkeys(KEYS, DEFAULT)
    for layer in (from_file, from_environment, from_options):
        for name, given in layer.given.items():
            try:
                values[name] = _value(name, given)
            except InvalidInput as error:
                problems.append(f"{given.place}: {error}")
            sources[name] = given.source
    if problems:
        raise _settings_error(problems)
    settings = replace(_settings(values), folder=file.parent if file else None)
    problems = [*_outside(settings, sources, file), *_overlaps(settings, sources), *_apart(settings, sources)]
    if problems:
        raise _settings_error(problems)
    return Loaded(settings=settings, sources=sources, warnings=tuple(from_environment.warnings), file=file)


def _value(name: str, given: Given) -> object:
    section, _, rule = name.partition(".")
    if section != "rules":
        return KEYS[name].row.kind.read(given.value, given.base)
    own = is_own(rule)  # whether there is such a rule, its file says
    if not own and (rule not in RULES or RULES[rule].of_tree):
        raise InvalidInput(unknown_rule(rule))
    if given.value not in LEVELS:
        raise InvalidInput(f'{given.value!r} must be "refuse", "warn" or "allow"')
    if not own and not RULES[rule].policy and given.value != "refuse":
        raise InvalidInput(f"{given.value!r} is not possible: this rule protects clients and cannot be turned off")
    return given.value


def _settings(values: Mapping[str, object]) -> Settings:
    # The readers gave each value its type, so the sections take them as they are.
    given: dict[str, dict[str, Any]] = {section: {} for section in (*SECTIONS, "rules")}
    for name, value in values.items():
        section, _, key = name.partition(".")
        given[section][key if section == "rules" else key.replace("-", "_")] = value
    sections: dict[str, Any] = {name: section(**given[name]) for name, section in SECTIONS.items()}
    return Settings(rules=given["rules"], **sections)


def _outside(settings: Settings, sources: Mapping[str, str], file: Path | None) -> Iterator[str]:
    """Say which files of the settings file's, of those that are published, it may not name."""
    # The attack: a settings file in a checkout or a shared folder that publishes what its reader alone may read.
    if file is None:
        return
    for key in ("templates", "stylesheet", "logo"):
        path, source = getattr(settings.pages, key), sources[f"pages.{key}"]
        if path and source == file.name and not is_below(_plain(path), _plain(file.parent)):
            yield (
                f"{source}: pages.{key}: {str(path)!r} lies outside of {str(file.parent)!r}, "
                "and what a settings file publishes lies below its folder; put it there, "
                f"or name it with --pages-{key}"
            )


def _overlaps(settings: Settings, sources: Mapping[str, str]) -> Iterator[str]:
    """Say which folders lie where their content would be served to everyone, or be taken for dropped crates."""
    drop, tree, state = map(_plain, (settings.drop.path, settings.tree.path, settings.state.path))
    places: dict[str, object] = {
        "drop.path": settings.drop.path,
        "state.path": settings.state.path,
        "publish.private": settings.publish.private,
        "drop.refused": settings.drop.refused,
        "drop.after-publish": settings.drop.after_publish,
    }
    for name, place in places.items():
        if not isinstance(place, Path | Bucket):
            continue
        if is_below(_plain(place), tree):
            yield _overlap(name, place, "tree.path", sources, "would be served to everyone; put it outside the tree")
        elif name.startswith("drop.") and name != "drop.path" and is_below(_plain(place), drop):
            yield _overlap(name, place, "drop.path", sources, "would be read again; put it outside the drop directory")
    for name, place in {**places, "tree.path": tree}.items():
        if name != "state.path" and isinstance(place, Path) and is_below(_plain(place), state):
            why = "would be deleted with what is a cache; put it outside the state directory"
            yield _overlap(name, place, "state.path", sources, why)
    if tree != drop and is_below(tree, drop):
        yield _overlap(
            "tree.path",
            tree,
            "drop.path",
            sources,
            "would be taken for dropped crates; put it outside the drop directory",
        )


def _apart(settings: Settings, sources: Mapping[str, str]) -> Iterator[str]:
    """Say which places for files that leave the drop directory none can be moved to: they must be of its kind."""
    drop = settings.drop.path
    for key, place in (("refused", settings.drop.refused), ("after-publish", settings.drop.after_publish)):
        if not isinstance(place, Path | Bucket):
            continue
        if isinstance(drop, Path) != isinstance(place, Path):
            where = "is a path, and so must this be" if isinstance(drop, Path) else f"lies in {drop.whole}"
        elif isinstance(drop, Bucket) and isinstance(place, Bucket) and place.whole != drop.whole:
            where = f"lies in {drop.whole}"
        else:
            continue
        yield (
            f"drop.{key} (from {sources[f'drop.{key}']}): {str(place)!r} must lie where files can be moved to: "
            f"drop.path (from {sources['drop.path']}) {where}"
        )


def _overlap(name: str, place: Whereabouts, around: str, sources: Mapping[str, str], why: str) -> str:
    where = f"{name} (from {sources[name]}): {str(place)!r} lies in {around} (from {sources[around]})"
    return f"{where}, so what is there {why}"


def _plain(place: Whereabouts) -> Whereabouts:
    return Path(os.path.normpath(place)) if isinstance(place, Path) else place


def _settings_error(problems: list[str]) -> SettingsError:
    if len(problems) == 1:
        return SettingsError(problems[0])
    return SettingsError(f"{len(problems)} settings cannot be used:", problems)
