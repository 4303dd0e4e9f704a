"""How a bucket is named: `s3://BUCKET/PREFIX`, as the field's tools write it."""

import re
from pathlib import Path

from msgspec import Struct

from cargo_static_index._pattern import pattern
from cargo_static_index.diagnostics.errors import InvalidInput

SCHEMES = ("s3", "gs", "az")
"""Amazon S3 and what speaks as it does, Google Cloud Storage, Azure Blob Storage."""

_URL = pattern(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<bucket>[^/]*)(?:/(?P<prefix>.*))?", re.DOTALL)
# The names that all three allow: Amazon's "General purpose bucket naming rules"; Google adds `_`, Azure has fewer.
_BUCKET = pattern(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_PREFIX = pattern(r"[A-Za-z0-9!_.'()-]+(?:/[A-Za-z0-9!_.'()-]+)*")


class Bucket(Struct, frozen=True):
    """A place in an object store: a bucket, and what the keys of the tree begin with there, "" for nothing.

    InvalidInput for a scheme that is none of `s3`, `gs` and `az`, and for no name.
    """

    scheme: str
    name: str
    prefix: str = ""

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES or not self.name:
            raise InvalidInput(f"{self} is no bucket: give one of the schemes {', '.join(SCHEMES)}, and a name")

    def __str__(self) -> str:
        """As the user writes it."""
        return f"{self.scheme}://{self.name}" + (f"/{self.prefix}" if self.prefix else "")

    def __truediv__(self, path: str) -> str:
        """Give what to call a file of the tree that lies here."""
        return f"{self}/{path}"

    @property
    def whole(self) -> "Bucket":
        """The bucket, without a prefix."""
        return Bucket(self.scheme, self.name)

    def key(self, path: str) -> str:
        """Give the key, in the whole bucket, of what lies at a path below this place."""
        return f"{self.prefix}/{path}" if self.prefix else path

    def is_below(self, other: "Bucket") -> bool:
        """Whether what lies here lies at the other place too."""
        return self.whole == other.whole and (not other.prefix or f"{self.prefix}/".startswith(f"{other.prefix}/"))


Whereabouts = Path | Bucket
"""Where files lie: in a folder, or in a bucket."""


def is_below(place: Whereabouts, around: Whereabouts) -> bool:
    """Whether what lies at one place lies at the other too; paths are compared as they are written."""
    if isinstance(place, Bucket):
        return isinstance(around, Bucket) and place.is_below(around)
    return isinstance(around, Path) and place.is_relative_to(around)


def is_bucket_url(text: str) -> bool:
    """Whether a text is a URL and so no path."""
    return _URL.fullmatch(text) is not None


def parse_bucket(text: str) -> Bucket:
    """Read the URL of a bucket, or raise InvalidInput."""
    found = _URL.fullmatch(text)
    scheme = found["scheme"].lower() if found else ""
    if found is None or scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise InvalidInput(f"{text.partition('://')[0]!r} is no place that we know: use a path, or {known}")
    if "@" in found["bucket"] or ":" in found["bucket"]:
        # Not shown: what stands there may be a secret.
        raise InvalidInput(
            f"a URL of {scheme}:// must not hold a key or a port; keys and the endpoint come from the environment "
            "(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL and the like)"
        )
    prefix = (found["prefix"] or "").removesuffix("/")
    parts = prefix.split("/")
    if not _BUCKET.fullmatch(found["bucket"]):
        raise InvalidInput(
            f"{text!r} must name a bucket, in small letters: {scheme}://BUCKET, or {scheme}://BUCKET/PREFIX"
        )
    if prefix and (not _PREFIX.fullmatch(prefix) or "." in parts or ".." in parts):
        raise InvalidInput(f"{text!r}: the prefix must be names of ASCII letters, digits and -_.!'() joined by `/`")
    return Bucket(scheme, found["bucket"], prefix)
