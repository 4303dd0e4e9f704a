"""A site for Caddy (2.6 or later), which gets its certificate by itself."""

from cargo_static_index.hosting.place import Place

_SITE = """\
# The registry at @BASE@, for Caddy: put it into /etc/caddy/Caddyfile, then `systemctl reload caddy`.
@ADDRESS@ {
    # Tools that show where a crate comes from lead to INDEX/NAME, which is no index file: they come to its page.
    @named path_regexp named ^@PATH@index/([A-Za-z][A-Za-z0-9_-]*)$
    redir @named @PATH@crates/{re.named.1}/ 302
    @API@
    handle_path @PATH@* {
        root * @ROOT@
        @CHECKED@
        # Files that begin with a dot are not published: what a build is writing lies there.
        @hidden path_regexp /\\.
        error @hidden 404
        # Index files: asked for again each time, answered with 304 where nothing changed.
        @index path /index/*
        header @index Cache-Control "@REVALIDATED@"
        header @index ?Content-Type "text/plain; charset=utf-8"
        # Texts of files are text, whatever they hold.
        @texts path /crates/*/*/source/*.txt
        header @texts Content-Type "text/plain; charset=utf-8"
        # Archives: as they are, since cargo checks their SHA-256; kept for ever, since their address holds it.
        @archives path /crates/*/*.crate /crates/*/*/download
        header @archives Content-Type application/gzip
        @unchanging path_regexp ^/(crates/[^/]+/([0-9a-f]{64}\\.(crate|json)|[^/]+/download)|assets/.*)$
        header @unchanging Cache-Control "@IMMUTABLE@"
        @pages not path_regexp ^/(index/|assets/|crates/[^/]+/([0-9a-f]{64}\\.|[^/]+/download$))
        header @pages {
            Cache-Control "@PAGES@"
            Referrer-Policy strict-origin-when-cross-origin
            Content-Security-Policy "@POLICY@"
        }
        header X-Content-Type-Options nosniff
        @packed not path *.crate /crates/*/*/download
        encode @packed zstd gzip
        @COPIES@
        file_server
    }
    handle {
        error 404
    }
    # What is not there is 404 and nothing else, and nobody keeps that answer.
    handle_errors {
        header Cache-Control "@ABSENT@"
        @who expression {err.status_code} == 401
        header @who +WWW-Authenticate "Cargo login_url=\\"@BASE@\\""
        header @who +WWW-Authenticate "Basic realm=\\"crates\\""
        @page expression {err.status_code} == 404 && !path('@PATH@index/*', '*.crate')
        handle @page {
            root * @ROOT@
            rewrite * /404.html
            file_server {
                status 404
            }
        }
        respond "{err.status_code}" {err.status_code}
    }
}
"""

_API = """
# The publish endpoint; it has the same limits itself.
@api path @PATH@api/* @PATH@me
handle @api {
    request_body {
        max_size @BYTES@
    }
    @STRIPPED@
    reverse_proxy @ENDPOINT@ {
        header_up X-Forwarded-Prefix @PATH@
        transport http {
            response_header_timeout @SECONDS@s
        }
    }
}
"""

_ASKED = """\
# Whether a token may read: its 401 tells cargo, and a browser, how to show one.
@private @KEPT@
forward_auth @private @ENDPOINT@ {
    uri /api/v1/auth
    header_up X-Forwarded-Prefix @PATH@
}"""

_BY_LIST = """\
# Who may read: a line for each token, made with `openssl rand -hex 32`. For a browser add `Basic BASE64`, BASE64
# being what `printf 'anybody:TOKEN' | base64` prints.
@private {
    @KEPT@
    not header Authorization "TOKEN"
    not header Authorization "Bearer TOKEN"
}
error @private 401"""


_KEPT = "path /index/* /crates/*/*.crate /crates/*/*.json /crates/*/*/download"


_STATIC = """\
# The copies that lie beside pages and assets are sent as they are.
@copied path *.html *.xml *.css *.js *.svg */
file_server @copied {
    precompressed br gzip
}"""


def caddy(place: Place) -> str:
    """Give a site for Caddy."""
    checked = ""
    if place.private != "no":
        checked = _ASKED if place.endpoint else _BY_LIST
    return place.filled(
        _SITE,
        ADDRESS=f"http://{place.host}" if place.is_plain else place.host,
        API=_API if place.endpoint else "",
        COPIES=_STATIC if place.precompressed else "",
        STRIPPED="" if place.path == "/" else f"uri strip_prefix {place.path.rstrip('/')}",
        CHECKED=checked,
        KEPT="path *" if place.private == "all" else _KEPT,
    )
