"""A site for Apache (2.4)."""

from cargo_static_index.hosting.place import Place

_SITE = """\
# The registry at @BASE@, for Apache: put it into /etc/apache2/sites-available/crates.conf, name your certificate, then
# a2enmod alias headers rewrite deflate mime dir@MODULES@ && a2ensite crates && systemctl reload apache2
<VirtualHost *:@PORT@>
    ServerName @HOST@
    @TLS@
    Alias "@PATH@" "@ROOT@/"
    DocumentRoot "@ROOT@"
    FileETag MTime Size
    AllowEncodedSlashes NoDecode
    # What is not there is 404 and nothing else, and nobody keeps that answer.
    ErrorDocument 404 @PATH@404.html
    Header always set Cache-Control "@ABSENT@" "expr=%{REQUEST_STATUS} -ge 400"
    Header always set X-Content-Type-Options nosniff
    RewriteEngine On
    @TOKENS@

    <Directory "@ROOT@">
        Require all granted
        AllowOverride None
        Options -Indexes -MultiViews
        DirectorySlash On
        DirectoryIndex index.html
        AddDefaultCharset utf-8
        AddType application/javascript .js
        AddType image/svg+xml .svg
        AddType text/plain .txt
        Header set Cache-Control "@PAGES@"
        Header set Referrer-Policy strict-origin-when-cross-origin
        Header set Content-Security-Policy "@POLICY@"
        AddOutputFilterByType DEFLATE text/plain text/html text/css
        AddOutputFilterByType DEFLATE application/json application/javascript application/xml image/svg+xml
    </Directory>
    # Index files: asked for again each time, answered with 304 where nothing changed. They are text, and compressed.
    <Directory "@ROOT@/index">
        DirectorySlash Off
        <FilesMatch "^[^.]*$">
            ForceType text/plain
        </FilesMatch>
        Header set Cache-Control "@REVALIDATED@"
        Header unset Content-Security-Policy
    </Directory>
    # Archives: as they are, since cargo checks their SHA-256; kept for ever, since their address holds it.
    <LocationMatch "^@PATH@crates/[^/]+/([^/]+\\.crate|[^/]+/download)$">
        ForceType application/gzip
        SetEnv no-gzip 1
        RemoveEncoding .crate
        Header unset Content-Encoding
    </LocationMatch>
    <LocationMatch "^@PATH@(crates/[^/]+/([0-9a-f]{64}\\.(crate|json)|[^/]+/download)|assets/.+)$">
        Header set Cache-Control "@IMMUTABLE@"
        Header unset Content-Security-Policy
    </LocationMatch>
    # Folders of the index have no listing, and files that begin with a dot are not published.
    RewriteRule "/\\." - [R=404,L]
    RewriteRule "^@PATH@index/.+/$" - [R=404,L]
    # Tools that show where a crate comes from lead to INDEX/NAME, which is no index file: they come to its page.
    RewriteRule "^@PATH@index/([A-Za-z][A-Za-z0-9_-]*)$" "@PATH@crates/$1/" [R=302,L]
    @COPIES@
    @API@
</VirtualHost>
"""

_API = """
# The publish endpoint; it has the same limits itself.
<LocationMatch "^@PATH@(api/|me$)">
    LimitRequestBody @BYTES@
</LocationMatch>
ProxyPreserveHost On
ProxyTimeout @SECONDS@
ProxyPass "@PATH@api/" "http://@ENDPOINT@/api/"
ProxyPass "@PATH@me" "http://@ENDPOINT@/me"
@ASKED@
RequestHeader unset X-Forwarded-For
RequestHeader unset X-Forwarded-Host
RequestHeader set X-Forwarded-Proto @SCHEME@
RequestHeader set X-Forwarded-Prefix @PATH@
"""

_ASKED = """
# What is private is answered by the endpoint, too: Apache asks no other server whether a token may read.
ProxyPassMatch "^@PATH@(@KEPT@.*)$" "http://@ENDPOINT@/$1"
"""

_TOKENS = """
# Who may read: a line for each token, made with `openssl rand -hex 32`. For a browser add `Basic BASE64`, BASE64 being
# what `printf 'anybody:TOKEN' | base64` prints.
Header always set WWW-Authenticate "Cargo login_url=\\"@BASE@\\"" "expr=%{REQUEST_STATUS} -eq 401"
Header always add WWW-Authenticate "Basic realm=\\"crates\\"" "expr=%{REQUEST_STATUS} -eq 401"
RewriteCond "%{HTTP:Authorization}" "!^(Bearer )?TOKEN$"
RewriteRule "^@PATH@@KEPT@" - [R=401,L]"""


_STATIC = """
# The copies that lie beside pages and assets are sent as they are.
<Directory "@ROOT@">
    AddEncoding br .br
    AddEncoding gzip .gz
    Header append Vary Accept-Encoding
    <FilesMatch "\\.html\\.(gz|br)$">
        ForceType text/html
    </FilesMatch>
    <FilesMatch "\\.xml\\.(gz|br)$">
        ForceType application/xml
    </FilesMatch>
    <FilesMatch "\\.css\\.(gz|br)$">
        ForceType text/css
    </FilesMatch>
    <FilesMatch "\\.js\\.(gz|br)$">
        ForceType application/javascript
    </FilesMatch>
    <FilesMatch "\\.svg\\.(gz|br)$">
        ForceType image/svg+xml
    </FilesMatch>
</Directory>
RewriteCond "%{HTTP:Accept-Encoding}" "\\bbr\\b"
RewriteCond "@ROOT@/$1.br" -s
RewriteRule "^@PATH@(.+\\.(html|xml|css|js|svg))$" "@PATH@$1.br" [PT,L]
RewriteCond "%{HTTP:Accept-Encoding}" "\\bgzip\\b"
RewriteCond "@ROOT@/$1.gz" -s
RewriteRule "^@PATH@(.+\\.(html|xml|css|js|svg))$" "@PATH@$1.gz" [PT,L]
"""


def apache(place: Place) -> str:
    """Give a site for Apache; a private registry has its tokens in a list where no endpoint knows them."""
    private = place.private != "no"
    tls = (
        ""
        if place.is_plain
        else "SSLEngine on\n"
        f"SSLCertificateFile /etc/letsencrypt/live/{place.host}/fullchain.pem\n"
        f"SSLCertificateKeyFile /etc/letsencrypt/live/{place.host}/privkey.pem\n"
        "Protocols h2 http/1.1"
    )
    return place.filled(
        _SITE,
        PORT=str(place.port),
        TLS=tls,
        MODULES=("" if place.is_plain else " ssl http2") + (" proxy proxy_http" if place.endpoint else ""),
        TOKENS=_TOKENS if private and not place.endpoint else "",
        API=_API if place.endpoint else "",
        COPIES=_STATIC if place.precompressed else "",
        ASKED=_ASKED if private else "",
        SCHEME="http" if place.is_plain else "https",
        KEPT="" if place.private == "all" else "(index/|crates/[^/]+/([^/]+\\.(crate|json)|[^/]+/download)$)",
    )
