"""Which registry a dependency comes from (cargo's book: "Registry Index", `registry`; "Source Replacement").

Absent `registry-index` in a packaged manifest means crates.io; absent `registry` in an index line means
the registry that the line came from: the two nulls are opposites, and this module is where they meet.
"""

from functools import lru_cache
from typing import Final, Literal, get_args

from msgspec import Struct

from cargo_static_index.diagnostics.errors import InvalidConfig, InvalidInput, check_types
from cargo_static_index.diagnostics.problems import Problem, problem
from cargo_static_index.protocol.urls import Url, parse_url

CRATES_IO = "https://github.com/rust-lang/crates.io-index"

Mode = Literal["registry", "mirror"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

_CRATES_IO_PATH = "/rust-lang/crates.io-index"
_CRATES_IO_SPARSE = "sparse+https://index.crates.io"
_SPARSE = "sparse+"


class Home(Struct, frozen=True, kw_only=True):
    """The registry that lines are made for: `urls` are the index URLs that mean it, its own first, then aliases.

    An index URL is as cargo's configuration has it: `sparse+https://crates.example.com/index/`.
    In mode "mirror" it stands in for crates.io, and crates.io's own dependencies are at home in it.
    InvalidConfig where one of them is no URL, InvalidInput for another mode and for what is no tuple.
    """

    mode: Mode = "registry"
    urls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_types(self, {"urls": tuple})
        if self.mode not in MODES:
            raise InvalidInput(f"`mode` is {self.mode!r}, and not one of {', '.join(map(repr, MODES))}")
        _normalised(self.urls)


@lru_cache(maxsize=4096)
def normalise_index_url(text: str) -> str:
    """Give an index URL as it is compared, never as it is written; raises InvalidConfig where it is none.

    Scheme and host are in lower case, the scheme's own port and slashes at the end are gone.
    `sparse+` stays: without it a URL means a git registry at that address.
    """
    return parse_url(text, what="index URL").format().rstrip("/")


def is_crates_io(url: str) -> bool:
    """Whether an index URL means crates.io, by git or sparse; raises InvalidConfig where it is no URL.

    Whatever the spelling, lines say CRATES_IO: for cargo the sparse URL in a line is another registry
    (cargo: src/workspace/source_id.rs, `CanonicalUrl`, which also makes every GitHub URL lower case and https).
    """
    return _is_crates_io(normalise_index_url(url))


def comes_from_crates_io(registry_index: str | None) -> bool:
    """Whether a manifest's dependency comes from crates.io; raises InvalidConfig where `registry-index` is no URL."""
    return registry_index is None or is_crates_io(registry_index)


def is_home(registry_index: str, home: Home) -> bool:
    """Whether an index URL means the registry that lines are made for; raises InvalidConfig where it is no URL."""
    return normalise_index_url(registry_index) in _normalised(home.urls)


def registry_in_line(registry_index: str | None, home: Home) -> str | None:
    """Give the `registry` of a line for a manifest's `registry-index`; raises InvalidConfig where it is no URL.

    None means home: where a mirror of crates.io is home, so is crates.io. Other registries stand as they are written.
    """
    if comes_from_crates_io(registry_index):
        return None if home.mode == "mirror" else CRATES_IO
    return None if registry_index is None or is_home(registry_index, home) else registry_index


def check_registry(registry_index: str | None, home: Home, allowed: tuple[str, ...]) -> Problem | None:
    """Find what is wrong with where a dependency comes from.

    Home and crates.io are always allowed; `allowed` are the index URLs of the others that are.
    Raises InvalidConfig only where one of `allowed` is no URL.
    """
    return None if registry_index is None else _check_registry(registry_index, home, allowed)


@lru_cache(maxsize=4096)
def _check_registry(registry_index: str, home: Home, allowed: tuple[str, ...]) -> Problem | None:
    try:
        url = parse_url(registry_index, what="index URL")
        if is_crates_io(registry_index) or is_home(registry_index, home):
            return None
    except InvalidConfig as error:
        return _invalid(str(error))
    fault = _fault(url, registry_index)
    if fault:
        return _invalid(f"the index URL {registry_index!r} {fault}")
    normal = normalise_index_url(registry_index)
    if f"{_SPARSE}{normal}" in _normalised(home.urls):
        return _own_url_without_sparse(registry_index)
    return None if normal in _normalised(allowed) else _foreign(registry_index)


@lru_cache(maxsize=4096)
def _is_crates_io(normal: str) -> bool:
    if normal == _CRATES_IO_SPARSE:
        return True
    url = parse_url(normal)
    plain = not (url.user or url.port or url.query or url.fragment or "+" in url.scheme)
    path = url.path.lower().removesuffix(".git").rstrip("/")
    return plain and url.host == "github.com" and path == _CRATES_IO_PATH


@lru_cache(maxsize=64)
def _normalised(urls: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(normalise_index_url, urls))


def _fault(url: Url, text: str) -> str:
    """Say why cargo could not use the URL of another registry, or nothing (cargo: `SourceId::for_registry`)."""
    if ":" in url.user:
        return "has a password, which cargo refuses; remove it"
    kind, plus, scheme = url.scheme.rpartition("+")
    if plus and kind != "sparse":
        return f"starts with '{kind}+'; an index URL starts with 'sparse+' or with a git URL's scheme"
    if plus and scheme not in {"http", "https"}:
        return f"is a sparse one with the scheme {scheme!r}; use http or https, by which alone cargo reads those"
    if plus and not text.endswith("/"):
        return "is a sparse one without a '/' at the end, which cargo refuses; add it"
    return ""


def _invalid(fault: str) -> Problem:
    sentence, _, way_out = fault.partition("; ")
    message = f"A dependency's `registry-index` cannot be used: {sentence}."
    return problem("registry-index-invalid", message, way_out=f"{way_out[:1].upper()}{way_out[1:]}." if way_out else "")


def _own_url_without_sparse(url: str) -> Problem:
    message = f"A dependency names {url!r}, which for cargo is a git registry at this registry's address."
    return problem("own-url-without-sparse", message)


def _foreign(url: str) -> Problem:
    message = f"A dependency comes from the registry {url!r}, which `[dependencies] allowed` does not list."
    return problem("foreign-registry", message)
