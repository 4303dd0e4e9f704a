"""A site for nginx (1.18 or later)."""

from cargo_static_index.hosting.place import Place

_SITE = """\
# The registry at @BASE@, for nginx.
# Put it into /etc/nginx/conf.d/, name your certificate, then: nginx -t && systemctl reload nginx
@TOKENS@
server {
    @LISTEN@
    server_name @HOST@;
    server_tokens off;
    autoindex off;
    # Index files are text, compressed as they are sent: a compressed copy beside them could be older than they are.
    gzip on;
    gzip_vary on;
    gzip_types text/plain text/css application/json application/javascript application/xml image/svg+xml;

    # What is not there is 404 and nothing else, and nobody keeps that answer.
    location @absent { internal; add_header Cache-Control "@ABSENT@" always; return 404; }
    location = @PATH@404.html {
        internal;
        alias @ROOT@/404.html;
        types { text/html html; }
        add_header Cache-Control "@ABSENT@" always;
    }
    # Files that begin with a dot are not published: what a build is writing lies there.
    location ~ /\\. { error_page 404 = @absent; return 404; }

    # Index files: asked for again each time, answered with 304 where nothing changed.
    location @PATH@index/ {
        alias @ROOT@/index/;
        @CHECKED@
        types { application/json json; text/html html; }
        default_type text/plain;
        error_page 403 404 = @absent;
        add_header Cache-Control "@REVALIDATED@";
        add_header X-Content-Type-Options nosniff;
    }
    # Tools that show where a crate comes from lead to INDEX/NAME, which is no index file: they come to its page.
    location ~ ^@PATH@index/([A-Za-z][A-Za-z0-9_-]*)$ { return 302 @PATH@crates/$1/; }

    # Archives: as they are, since cargo checks their SHA-256; kept for ever, since their address holds it. Those at the
    # addresses of their versions, where there are such, never change either.
    location ~ ^@PATH@(?<archive>crates/[^/]+/([^/]+\\.crate|[^/]+/download))$ {
        alias @ROOT@/$archive;
        @CHECKED@
        types { }
        default_type application/gzip;
        gzip off;
        error_page 403 404 = @absent;
        add_header Cache-Control "@IMMUTABLE@";
        add_header X-Content-Type-Options nosniff;
    }
    location ~ "^@PATH@(?<metadata>crates/[^/]+/[0-9a-f]{64}\\.json)$" {
        alias @ROOT@/$metadata;
        @CHECKED@
        types { application/json json; }
        error_page 403 404 = @absent;
        add_header Cache-Control "@IMMUTABLE@";
        add_header X-Content-Type-Options nosniff;
    }

    # Pages, and what they are made of.
    location @PATH@assets/ {
        alias @ROOT@/assets/;
        @PAGESCHECKED@
        @COPIES@
        types {
            text/css css; application/javascript js;
            image/svg+xml svg; image/png png; image/webp webp; image/jpeg jpg jpeg; image/gif gif;
        }
        error_page 403 404 = @absent;
        add_header Cache-Control "@IMMUTABLE@";
        add_header X-Content-Type-Options nosniff;
    }
    location @PATH@ {
        alias @ROOT@/;
        @PAGESCHECKED@
        @COPIES@
        index index.html;
        charset utf-8;
        types {
            text/html html; text/plain txt; application/json json; application/javascript js; application/xml xml;
            image/svg+xml svg; image/png png; image/webp webp; image/jpeg jpg; image/gif gif; image/avif avif;
        }
        error_page 403 404 @PATH@404.html;
        add_header Cache-Control "@PAGES@";
        add_header X-Content-Type-Options nosniff;
        add_header Referrer-Policy strict-origin-when-cross-origin;
        add_header Content-Security-Policy "@POLICY@";
    }
    @API@
}
"""

_API = """
# The publish endpoint. Uploads go through as they come; it has the same limits itself.
location ~ ^@PATH@(api/|me$) {
    rewrite ^@PATH@(.*)$ /$1 break;
    proxy_pass http://@ENDPOINT@;
    proxy_http_version 1.1;
    @FORWARDED@
    client_max_body_size @BYTES@;
    client_body_timeout @SECONDS@s;
    proxy_request_buffering off;
    proxy_read_timeout @SECONDS@s;
    proxy_send_timeout @SECONDS@s;
}
"""

_ASKED = """
# Whether a token may read: its 401 tells cargo, and a browser, how to show one.
location = /-/auth {
    internal;
    proxy_pass http://@ENDPOINT@/api/v1/auth;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    @FORWARDED@
}
"""

_FORWARDED = """\
proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Host $http_host;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-Prefix @PATH@;"""

_TOKENS = """\
# Who may read: a line for each token, made with `openssl rand -hex 32`. Keep this file readable by nginx alone.
# cargo sends the token alone; `Bearer` is for other tools. For a browser add `"Basic BASE64"`, BASE64 being what
# `printf 'anybody:TOKEN' | base64` prints.
map_hash_bucket_size 256;
map $http_authorization $may_read {
    default 0;
    "TOKEN" 1;
    "Bearer TOKEN" 1;
}
"""

_BY_LIST = """\
error_page 401 = @who;
if ($may_read = 0) { return 401; }"""

_WHO = """
location @who {
    internal;
    add_header WWW-Authenticate 'Cargo login_url="@BASE@"' always;
    add_header WWW-Authenticate 'Basic realm="crates"' always;
    add_header Cache-Control "@ABSENT@" always;
    return 401;
}
"""


_STATIC = """\
# The copies that lie beside them are sent as they are; with the module ngx_brotli say `brotli_static on;` as well.
gzip_static on;"""


def nginx(place: Place) -> str:
    """Give a site for nginx."""
    checked = ""
    api = _API if place.endpoint else ""
    tokens = ""
    if place.private != "no" and place.endpoint:
        checked, api = "auth_request /-/auth;", api + _ASKED
    elif place.private != "no":
        checked, tokens, api = _BY_LIST, _TOKENS, _WHO
    return place.filled(
        _SITE,
        TOKENS=tokens,
        LISTEN=_listen(place),
        CHECKED=checked,
        PAGESCHECKED=checked if place.private == "all" else "",
        COPIES=_STATIC if place.precompressed else "",
        API=api,
        FORWARDED=_FORWARDED,
    )


def _listen(place: Place) -> str:
    if place.is_plain:
        return f"listen {place.port};"
    return (
        f"listen {place.port} ssl http2;\n"
        f"listen [::]:{place.port} ssl http2;\n"
        f"ssl_certificate /etc/letsencrypt/live/{place.host}/fullchain.pem;\n"
        f"ssl_certificate_key /etc/letsencrypt/live/{place.host}/privkey.pem;"
    )
