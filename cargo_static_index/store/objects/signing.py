"""Signing a URL once more, for requests that the client library does not know (AWS: "Signature Version 4").

The library's own signed URL says when, and of which service and region; who asks, and what, comes in beside it.
"""

import hashlib
import hmac
from collections.abc import Mapping
from functools import reduce
from types import MappingProxyType
from urllib.parse import parse_qsl, quote, urlsplit

from cargo_static_index.store.objects.identity import Keys

NOTHING: Mapping[str, str] = MappingProxyType({})


def resigned(
    method: str, url: str, keys: Keys, *, headers: Mapping[str, str] = NOTHING, query: Mapping[str, str] = NOTHING
) -> str:
    """Sign a signed URL anew, for a request with more in its query, and headers whose names are in small letters."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(query)
    asked.pop("X-Amz-Signature", None)
    asked.pop("X-Amz-Security-Token", None)
    scope = asked["X-Amz-Credential"].partition("/")[2]
    signed = {"host": parts.netloc, **headers}
    names = ";".join(sorted(signed))
    asked |= {"X-Amz-Credential": f"{keys.id}/{scope}", "X-Amz-SignedHeaders": names}
    asked |= {"X-Amz-Security-Token": keys.token} if keys.token else {}
    said = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(asked.items()))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    request = f"{method}\n{parts.path}\n{said}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
    text = f"AWS4-HMAC-SHA256\n{asked['X-Amz-Date']}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = reduce(_derived, scope.split("/"), f"AWS4{keys.secret}".encode())
    return f"{parts.scheme}://{parts.netloc}{parts.path}?{said}&X-Amz-Signature={_derived(key, text).hex()}"


def _derived(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
