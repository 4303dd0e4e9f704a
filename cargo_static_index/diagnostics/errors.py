"""Every exception that this package raises on purpose.

Any other exception that leaves the library is a bug of ours.
"""

from collections.abc import Mapping, Sequence
from types import UnionType


class CargoStaticIndexError(Exception):
    """Base of everything raised on purpose; its text is a sentence for the person who reads it."""


class InvalidInput(CargoStaticIndexError, ValueError):
    """Some text or bytes are not what their format asks for."""


class InvalidName(InvalidInput):
    """Not a crate name (crates.io: crates/crates_io_validation)."""


class InvalidVersion(InvalidInput):
    """Not a version as SemVer 2.0.0 and the `semver` crate read it."""


class InvalidRequirement(InvalidInput):
    """Not a version requirement as the `semver` crate's `VersionReq` reads it."""


class InvalidTarget(InvalidInput):
    """Neither a target triple nor a `cfg(…)` expression as cargo reads it."""


class InvalidFeature(InvalidInput):
    """Not a feature name or feature value as cargo reads it."""


class InvalidIndexLine(InvalidInput):
    """A line of an index file that cargo would skip or call invalid."""


class InvalidConfig(InvalidInput):
    """Not a config.json that cargo would accept and mean what was meant."""


class InvalidDocument(InvalidInput):
    """One of our own JSON documents (metadata, tombstones, tree.json) does not have its shape."""


class NewerFormat(InvalidDocument):
    """A tree that a later version of this program wrote, in a format that this one does not know."""


class SettingsError(CargoStaticIndexError):
    """The command line, the environment or registry.toml cannot be used as it is; `problems` says each thing wrong."""

    def __init__(self, text: str, problems: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.problems = problems

    def __str__(self) -> str:
        """Give the sentence, and below it each thing that is wrong."""
        return "\n  ".join((str(self.args[0]), *self.problems))


def extra_missing(who: str, extra: str) -> SettingsError:
    """Give what is said where an extra is not installed; `who` is what needs it, with the verb."""
    return SettingsError(f"{who} the extra `{extra}`: pip install 'cargo-static-index[{extra}]'")


class StoreError(CargoStaticIndexError):
    """The disk, the store or the network failed; trying again may help."""


class StateDamaged(StoreError):
    """The state's file is not what was written; it holds nothing that the tree does not, so it is made anew."""


class TreeBusy(StoreError):
    """Another process holds the lock on the tree."""


class PagesFailed(CargoStaticIndexError):
    """Some pages could not be made; all else is done. Raised at the end of a change."""


class NotHeld(CargoStaticIndexError):
    """The crate or release that a command names is not in the tree."""


def check_types(value: object, types: Mapping[str, type | UnionType]) -> None:
    """Raise InvalidInput unless the attributes of a value are of these types: a text, say, is no tuple of texts."""
    for name, type_ in types.items():
        given = getattr(value, name)
        if not isinstance(given, type_):
            raise InvalidInput(f"`{name}` is {given!r}, which is of another type")
