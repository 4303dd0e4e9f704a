"""Requests as cargo makes them: GETs follow redirects and are tried again, uploads do neither by themselves."""

import random
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from cargo_static_index._version import __version__
from cargo_static_index.diagnostics.errors import StoreError

SECONDS = 30
"""For how long nothing may come; cargo waits as long (`http.timeout`)."""

LONGEST_PAUSE = 60.0
"""Seconds of a pause at most, unless the server asks for more."""

TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
"""Answers of a server that is not able just now."""


class Network(Struct, frozen=True, kw_only=True):
    """How requests go out, as `[http]` of cargo's configuration says: its proxy, certificates, patience and name."""

    proxy: str | None = None
    cainfo: str | None = None
    seconds: float = SECONDS
    user_agent: str = f"cargo-static-index/{__version__}"


class Answer(Struct, frozen=True, kw_only=True):
    """What a server answered; `headers` are found by their names in any case, `url` is where redirects led to."""

    status: int
    headers: Message
    content: bytes
    url: str


class CutOff(Exception):
    """No answer came: the connection was refused, cut, or silent for too long."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects of GETs alone, since an upload would arrive without its body; tokens stay with their host.

    So does curl, which cargo asks with: CURLOPT_UNRESTRICTED_AUTH is off.
    """

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if req.get_method() != "GET":
            return None
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request and urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            request.remove_header("Authorization")
        return request


def send(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, network: Network | None = None
) -> Answer:
    """Make one request, or raise CutOff; only GETs follow redirects."""
    network = network or Network()
    request = urllib.request.Request(  # noqa: S310 - http and https alone
        url, data=body, headers={"User-Agent": network.user_agent, **headers}, method=method
    )
    try:
        with _opener(network).open(request, timeout=network.seconds) as answer:
            return Answer(status=answer.status, headers=answer.headers, content=answer.read(), url=answer.url)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(status=error.code, headers=error.headers, content=error.read(), url=error.url or url)
    except (TimeoutError, OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise CutOff(f"{url}: {reason}") from error


def _opener(network: Network) -> urllib.request.OpenerDirector:
    handlers: list[urllib.request.BaseHandler] = [_Redirects()]
    if network.proxy:
        proxy = network.proxy if "://" in network.proxy else f"http://{network.proxy}"
        handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    if network.cainfo:
        context = ssl.create_default_context(cafile=network.cainfo)
        handlers.append(urllib.request.HTTPSHandler(context=context))
    return urllib.request.build_opener(*handlers)


def get(url: str, headers: Mapping[str, str], *, network: Network | None = None, tries: int = 4) -> Answer:
    """GET as cargo does (its book: "Configuration", `net.retry`): four times at most, with pauses; else StoreError."""
    for last in (False,) * (tries - 1) + (True,):
        try:
            answer = send("GET", url, headers, network=network)
        except CutOff as error:
            if last:
                raise StoreError(f"{error}; check the address and the network, then run this again") from error
        else:
            if answer.status not in TRY_AGAIN or last:
                return answer
        time.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - jitter, no secret
    raise AssertionError


def pauses(seconds: float, sleep: Callable[[float], object] = time.sleep) -> Iterator[Callable[[Answer | None], bool]]:
    """Give, for each try, what waits for the next one: longer each time, or as long as was asked.

    It says whether it waited: a pause that would end after `seconds` from now is not worth beginning.
    """
    end = time.monotonic() + seconds
    pause = 1.0
    while True:
        wanted = pause * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, no secret

        def wait(answer: Answer | None, wanted: float = wanted) -> bool:
            length = max(asked_pause(answer), wanted) if answer else wanted
            if time.monotonic() + length > end:
                return False
            sleep(length)
            return True

        yield wait
        pause = min(pause * 2, LONGEST_PAUSE)


def asked_pause(answer: Answer) -> float:
    """Give the seconds that a server asks to wait (RFC 9110, Retry-After), 0 where it does not."""
    text = answer.headers.get("Retry-After", "")
    try:
        return float(text) if text.isdigit() else max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0
