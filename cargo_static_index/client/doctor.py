"""Acting as cargo would against a registry, ours or not, and saying what is wrong and the line that mends it.

Cargo's book: "Registry Index", "Running a Registry", "Registry Authentication";
cargo: src/sources/registry/http_remote.rs.
"""

import gzip
import hashlib
import json
import re
import secrets
import time
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Literal
from urllib.parse import quote, urlsplit

from msgspec import Struct

from cargo_static_index.client.config import CargoConfig, RemoteRegistry
from cargo_static_index.client.http import Answer, CutOff, send
from cargo_static_index.diagnostics.errors import InvalidConfig, InvalidDocument
from cargo_static_index.protocol.config import RegistryConfig, download_url, parse_config
from cargo_static_index.protocol.index_file import Line, parse_index
from cargo_static_index.protocol.names import index_path
from cargo_static_index.protocol.urls import LOOPBACK
from cargo_static_index.site.lists import parse_record, record_path
from cargo_static_index.site.radix import Node, rows_of

FRESH = 60
"""Seconds that an index file may be kept for: as long a new release is not seen."""
SAME_CLOCK = 300
"""Seconds by which clocks may differ before tokens and times go wrong."""

INDEX_HEADERS: Mapping[str, str] = {
    "cargo-protocol": "version=1",
    "Accept": "text/plain",
    "Accept-Encoding": "deflate, gzip",
}
"""What cargo sends when it asks for index files."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """One thing that is wrong: where, a whole sentence, and the line that mends it. A fault stops cargo, or can."""

    level: Literal["fault", "warning"]
    url: str
    says: str
    mend: str


Get = Callable[[str, Mapping[str, str]], Answer]
"""Asks for a URL with headers, and gives the answer, or raises CutOff."""


def diagnose(
    registry: RemoteRegistry, cargo: CargoConfig, crate: str | None = None, get: Get | None = None
) -> Iterator[Diagnosis]:
    """Ask a registry as cargo would, and give what is wrong as it is found; `crate` is one that it holds.

    Without one the site's own list is asked for it, which ours has. `get` asks, where the network is not to.
    """
    return _Doctor(registry, cargo, crate, get or partial(send, "GET", network=cargo.network)).look()


class _Doctor:
    def __init__(self, registry: RemoteRegistry, cargo: CargoConfig, crate: str | None, get: Get) -> None:
        self._registry = registry
        self._cargo = cargo
        self._crate = crate
        self._ask = get
        self._auth: dict[str, str] = {}

    def look(self) -> Iterator[Diagnosis]:
        url = f"{self._registry.url}config.json"
        try:
            answer = yield from self._config_answer(url)
            if answer is None:
                return
            yield from _check_clock(url, answer)
            config = yield from _check_config(url, answer)
            if config is None:
                return
            yield from self._check_auth(url, config)
            yield from self._check_missing()
            yield from self._check_crate(config)
        except CutOff as error:
            mend = "check the address, the certificate and the network (`http.cainfo`, `http.proxy` in cargo's config)"
            yield _fault(url, f"no answer: {error}", mend)

    def _get(self, url: str, headers: Mapping[str, str] = {}) -> Answer:
        return self._ask(url, {**headers, **self._auth})

    def _config_answer(self, url: str) -> Generator[Diagnosis, None, Answer | None]:
        answer = self._get(url, INDEX_HEADERS)
        if answer.status == 401:
            challenges = answer.headers.get_all("WWW-Authenticate") or []
            if not any(challenge.lower().startswith("cargo") for challenge in challenges):
                says = "its 401 does not say where a token comes from"
                yield _warning(url, says, 'send `WWW-Authenticate: Cargo login_url="https://…"` with 401')
            token = self._cargo.token(self._registry, {"operation": "read"})
            if not token:
                name = self._registry.name or "NAME"
                yield _fault(url, "it asks for a token, and there is none", f"cargo login --registry {name}")
                return None
            self._auth = {"Authorization": token}
            answer = self._get(url, INDEX_HEADERS)
            if (there := urlsplit(answer.url).netloc) != urlsplit(url).netloc:
                says = f"it redirects to {there}, and no token goes to another host"
                yield _fault(url, says, f"name the index URL at {there}, or answer where it is asked")
                return None
            if answer.status in {401, 403}:
                yield _fault(
                    url, f"it refuses the token ({answer.status})", "make a new token, then `cargo login` again"
                )
                return None
        if answer.status == 403:
            says = "it answers 403 to a request without a token; cargo sends one only after 401"
            yield _fault(url, says, 'answer 401 with `WWW-Authenticate: Cargo login_url="…"`')
            return None
        if answer.status != 200:
            yield _fault(
                url, f"it answers {answer.status}", "serve config.json at the index URL, with the slash at its end"
            )
            return None
        return answer

    def _check_auth(self, url: str, config: RegistryConfig) -> Iterator[Diagnosis]:
        if self._auth and not config.auth_required:
            says = "the index asks for a token, and config.json does not say `auth-required`: downloads go without one"
            yield _fault(
                url, says, 'write `"auth-required": true` into config.json (`auth-required = true` in `[registry]`)'
            )
        if config.auth_required and urlsplit(url).scheme == "http" and urlsplit(url).hostname not in LOOPBACK:
            yield _fault(url, "tokens go over plain http, where anybody on the way reads them", "serve it over https")
        hosts = {urlsplit(url).hostname, urlsplit(config.dl).hostname, urlsplit(config.api or url).hostname}
        if config.auth_required and len(hosts) > 1:
            says = f"the token goes to more than one host: {', '.join(sorted(filter(None, hosts)))}"
            yield _warning(url, says, "have `dl` and `api` on the index's own host, or trust them all")

    def _check_missing(self) -> Iterator[Diagnosis]:
        """Ask for a crate that nobody has."""
        name = f"absent-{secrets.token_hex(8)}"
        url = f"{self._registry.url}{index_path(name)}"
        answer = self._get(url, INDEX_HEADERS)
        if answer.status in {410, 451}:
            says = f"a crate that is not there answers {answer.status}, which cargo takes for a failure since 1.96"
            yield _warning(url, says, "answer 404")
        elif answer.status == 403:
            says = "a crate that is not there answers 403, and cargo stops at that"
            yield _fault(url, says, "let readers list the bucket (`s3:ListBucket`), or turn 403 into 404 at the CDN")
        elif answer.status == 200:
            says = "a crate that is not there answers 200: cargo says 'no matching package' of everything"
            yield _fault(url, says, "turn the fallback page off below index/, and answer 404")
        elif answer.status != 404:
            yield _fault(url, f"a crate that is not there answers {answer.status}", "answer 404")
        if _max_age(answer) > 0 or int(answer.headers.get("Age") or 0) > 0:
            says = (
                "the answer that a crate is not there may be kept: the crate that comes next stays hidden for as long"
            )
            yield _warning(url, says, "send `Cache-Control: no-store` with 404, and turn negative caching off")

    def _check_crate(self, config: RegistryConfig) -> Iterator[Diagnosis]:
        name = self._crate or self._some_crate()
        if name is None:
            url = self._registry.url
            yield _warning(
                url, "no crate is known to ask for, so no index file and no archive was looked at", "--crate NAME"
            )
            return
        url = f"{self._registry.url}{index_path(name)}"
        answer = self._get(url, INDEX_HEADERS)
        if answer.status != 200:
            yield _fault(
                url, f"the index file of {name} answers {answer.status}", "see that the file is there, in lower case"
            )
            return
        content = yield from _check_encoding(url, answer)
        lines = parse_index(content)
        yield from _check_index(url, name, content, lines.lines)
        yield from self._check_validators(url, answer)
        if newest := next((line for line in reversed(lines.releases) if line.name == name), None):
            yield from self._check_archive(config, newest)

    def _is_ours(self) -> bool:
        """Whether it is a tree of this program, which gives a file that it replaces a later second."""
        return self._get(f"{self._registry.url.removesuffix('index/')}tree.json").status == 200

    def _some_crate(self) -> str | None:
        """Give a crate of a registry of ours, which lists its newest beside its front page, and all names."""
        base = self._registry.url.removesuffix("index/")
        answer = self._get(f"{base}index.json")
        try:
            document = json.loads(answer.content) if answer.status == 200 else {}
            return str((document["updated"] or document["new"])[0]["name"])
        except (ValueError, KeyError, TypeError, IndexError):
            try:
                root = self._node(base, "")
                rows = rows_of(root, partial(self._node, base)) if root else ()
                return next((json.loads(bytes(row))["name"] for _, row in rows), None)
            except (InvalidDocument, ValueError, KeyError, TypeError):
                return None

    def _node(self, base: str, prefix: str) -> Node | None:
        answer = self._get(f"{base}{quote(record_path('names', prefix))}")
        return parse_record("names", answer.content) if answer.status == 200 else None

    def _check_validators(self, url: str, answer: Answer) -> Iterator[Diagnosis]:
        etag, date = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
        if etag is None and date is None:
            says = "it has neither ETag nor Last-Modified: cargo loads it whole each time"
            yield _warning(url, says, "turn ETags on")
            return
        if etag is None:
            says = (
                "it has no ETag, and Last-Modified counts whole seconds: of two changes in one the second is not seen"
            )
            yield _warning(url, says, "turn ETags on")
        asked = {"If-None-Match": etag} if etag else {"If-Modified-Since": date or ""}
        again = self._get(url, {**INDEX_HEADERS, **asked})
        if again.status != 304:
            yield _warning(
                url, f"asked again it answers {again.status} where nothing changed", "answer 304 to If-None-Match"
            )
        if _is_of_seconds(etag, answer) and not self._is_ours():
            says = "its ETag is made of seconds and size: of two changes in one second the second may not be seen"
            yield _warning(url, says, "let each write set a later time, or make ETags of contents")
        if int(answer.headers.get("Age") or 0) > 0:
            fresh = self._get(url, {**INDEX_HEADERS, "Cache-Control": "no-cache"})
            if fresh.status == 200 and fresh.content != answer.content:
                says = "the cache in front answers with another copy than the store's own"
                yield _warning(url, says, "purge what changes (`on-change`), or have the cache ask each time")
        age = max(_max_age(answer), int(answer.headers.get("Age") or 0))
        if age > FRESH:
            says = f"it may be kept for {age} seconds: for as long nobody sees a new release"
            yield _warning(url, says, "send `Cache-Control: no-cache` with index files")

    def _check_archive(self, config: RegistryConfig, line: Line) -> Iterator[Diagnosis]:
        url = download_url(config, line.name, line.vers, line.cksum)
        if "//" in urlsplit(url).path:
            yield _warning(
                url, "`dl` makes an address with a doubled slash, which some hosts take for another one", "mend `dl`"
            )
        if "{version}" in config.dl or "{" not in config.dl:
            says = "addresses hold the version: a `+` in one is read as a blank by some buckets"
            yield _warning(url, says, "use `{sha256-checksum}` in `dl`, or percent-encode `+` on the host")
        answer = self._get(url, {"Accept-Encoding": "deflate, gzip"})
        if answer.status != 200:
            yield _fault(
                url, f"the archive of {line.name} {line.vers} answers {answer.status}", "serve it where `dl` says"
            )
            return
        if answer.headers.get("Content-Encoding"):
            says = f"the archive comes with Content-Encoding {answer.headers['Content-Encoding']}"
            yield _fault(url, says, "send archives as they are: cargo checks the SHA-256 of what it receives")
        elif hashlib.sha256(answer.content).hexdigest() != line.cksum:
            says = f"the archive of {line.name} {line.vers} has not the SHA-256 that its line says"
            yield _fault(url, says, "bring the right archive back; `cargo-static-index verify` names all such")


def _is_of_seconds(etag: str | None, answer: Answer) -> bool:
    """Whether an ETag is nginx's: the file's time in seconds and its size, both in hexadecimal digits."""
    found = re.fullmatch(r'(?:W/)?"([0-9a-f]{8})-([0-9a-f]+)"', etag or "")
    try:
        date = parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return False
    return found is not None and int(found[1], 16) == int(date)


def _check_clock(url: str, answer: Answer) -> Iterator[Diagnosis]:
    try:
        ahead = parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()
    except (KeyError, TypeError, ValueError):
        return
    if abs(ahead) > SAME_CLOCK:
        says = f"its clock is {abs(ahead):.0f} seconds {'ahead of' if ahead > 0 else 'behind'} this machine's"
        yield _warning(url, says, "set both clocks by NTP")


def _check_config(url: str, answer: Answer) -> Generator[Diagnosis, None, RegistryConfig | None]:
    try:
        config = parse_config(answer.content)
    except InvalidConfig as error:
        yield _fault(url, f"config.json: {error}", "write it as cargo's book says: `dl`, and `api` where there is one")
        return None
    for key, value in (("dl", config.dl), ("api", config.api)):
        if value is not None and urlsplit(value).scheme not in {"http", "https"}:
            yield _fault(
                url, f"`{key}` in config.json is no address: {value!r}", f"write an https address into `{key}`"
            )
            return None
    return config


def _check_encoding(url: str, answer: Answer) -> Generator[Diagnosis, None, bytes]:
    """Undo the encoding of an index file as cargo would."""
    encoding = (answer.headers.get("Content-Encoding") or "identity").lower()
    try:
        if encoding == "gzip":
            return gzip.decompress(answer.content)
        if encoding == "deflate":
            return zlib.decompress(answer.content)
    except (OSError, zlib.error):
        yield _fault(url, f"it says Content-Encoding {encoding}, and is not", "take the header away, or compress it")
        return b""
    if encoding != "identity":
        yield _fault(
            url, f"it comes with Content-Encoding {encoding}, which cargo did not ask for", "send gzip, or plain"
        )
    return answer.content


def _check_index(url: str, name: str, content: bytes, lines: tuple[Line, ...]) -> Iterator[Diagnosis]:
    if content.lstrip()[:1] == b"<":
        yield _fault(url, "it is an HTML page, not an index file", "serve the files below index/ as they are")
        return
    if not content.endswith(b"\n"):
        yield _warning(
            url, "the index file does not end in a newline, and some clients lose its last line", "end it in one"
        )
    unreadable = [number for number, line in enumerate(lines, 1) if not line.cksum]
    if unreadable:
        yield _warning(url, f"cargo cannot read line {unreadable[0]}", "take the line out, or derive it anew")
    others = sorted({line.name for line in lines if line.name and line.name != name})
    if others:
        says = f"asked for {name!r} it has lines of {others[0]!r}: for cargo those are other crates"
        yield _fault(url, says, "names in lines must be spelled as people ask for them")


def _max_age(answer: Answer) -> int:
    """Give for how many seconds a cache may keep an answer without asking."""
    words = [word.strip().lower() for word in (answer.headers.get("Cache-Control") or "").split(",")]
    if {"no-store", "no-cache"} & set(words):
        return 0
    ages = [word.partition("=")[2] for word in words if word.startswith(("max-age=", "s-maxage="))]
    return max((int(age) for age in ages if age.isdigit()), default=0)


def _fault(url: str, says: str, mend: str) -> Diagnosis:
    return Diagnosis(level="fault", url=url, says=says, mend=mend)


def _warning(url: str, says: str, mend: str) -> Diagnosis:
    return Diagnosis(level="warning", url=url, says=says, mend=mend)
