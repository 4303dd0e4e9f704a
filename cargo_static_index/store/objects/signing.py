"""Signing a URL once more, with headers that the client library does not send (AWS: "Signature Version 4").

The library's own signed URL says who asks, when, and of which service and region; only the key is needed beside it.
"""

import hashlib
import hmac
from collections.abc import Mapping
from functools import reduce
from urllib.parse import parse_qsl, quote, urlsplit


def resigned(url: str, secret: str, headers: Mapping[str, str]) -> str:
    """Sign the URL of a HEAD request anew, with headers that are to be sent; names are in small letters."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query.pop("X-Amz-Signature", None)
    signed = {"host": parts.netloc, **headers}
    names = ";".join(sorted(signed))
    query["X-Amz-SignedHeaders"] = names
    asked = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(query.items()))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    request = f"HEAD\n{parts.path}\n{asked}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
    scope = query["X-Amz-Credential"].partition("/")[2]
    text = f"AWS4-HMAC-SHA256\n{query['X-Amz-Date']}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = reduce(_derived, scope.split("/"), f"AWS4{secret}".encode())
    return f"{parts.scheme}://{parts.netloc}{parts.path}?{asked}&X-Amz-Signature={_derived(key, text).hex()}"


def _derived(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
