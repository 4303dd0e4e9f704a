"""Real object stores on the loopback interface, each with a folder and ports of its own."""

import base64
import hmac
import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from itertools import count
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from urllib.parse import urlsplit

from msgspec import Struct

from cargo_static_index.hosting.buckets import roles
from cargo_static_index.store.bucket import Bucket
from cargo_static_index.store.objects.client import Client
from cargo_static_index.store.objects.store import ObjectStore
from tests.servers import free_port, get
from tests.tools import from_go, from_npm, need

_NUMBERS = count(1)
_NONE: Mapping[str, str] = MappingProxyType({})

KEYS = {"AWS_ACCESS_KEY_ID": "an-access-key", "AWS_SECRET_ACCESS_KEY": "a-secret-of-ours", "AWS_REGION": "us-east-1"}

_ROOT = ("--access", KEYS["AWS_ACCESS_KEY_ID"], "--secret", KEYS["AWS_SECRET_ACCESS_KEY"])
_READERS = ["Read"]
_OPERATOR = {
    "name": "operator",
    "credentials": [{"accessKey": KEYS["AWS_ACCESS_KEY_ID"], "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"]}],
    "actions": ["Admin", "Read", "Write", "List", "Tagging"],
}


class Buckets(Struct, frozen=True, kw_only=True):
    """A server that speaks as S3 does: where it is, and the variables by which clients find it."""

    endpoint: str
    environment: Mapping[str, str] = _NONE

    def make(self) -> Bucket:
        """Make a bucket, and give a place in it."""
        name = f"bucket-{next(_NUMBERS)}"
        client = Client(Bucket("s3", name), self.environment)
        asked = urllib.request.Request(client.signed("PUT", ""), method="PUT")
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert answer.status == 200
        return Bucket("s3", name, "some/crates")

    def url(self, bucket: Bucket) -> str:
        """Give the base URL at which the server itself serves what lies there."""
        return f"{self.endpoint}/{bucket.name}/{bucket.prefix}/"

    def store(self, bucket: Bucket, *, single_writer: bool = False) -> ObjectStore:
        """Open a tree there, by one who has no patience."""
        return ObjectStore(bucket, self.environment, single_writer=single_writer, pauses=(0.01, 0.02, 0.05))

    def behind(self, url: str) -> "Buckets":
        """Give the same server, reached at another URL."""
        return Buckets(endpoint=url, environment={**self.environment, "AWS_ENDPOINT_URL": url})


def _at(port: int) -> Buckets:
    endpoint = f"http://127.0.0.1:{port}"
    return Buckets(endpoint=endpoint, environment={**KEYS, "AWS_ENDPOINT_URL": endpoint})


@contextmanager
def seaweedfs() -> Iterator[Buckets]:
    """Run a real SeaweedFS, from which everybody may read and only these keys may write."""
    with tempfile.TemporaryDirectory(prefix="seaweedfs-") as folder:
        rights = Path(folder) / "rights.json"
        rights.write_text(json.dumps({"identities": [{"name": "anonymous", "actions": _READERS}, _OPERATOR]}))
        parts = ("master.port", "volume.port", "filer.port", "s3.port")
        ports = {f"{part}{ending}": free_port() for part in parts for ending in ("", ".grpc")}
        command = [
            *(need("weed"), "-logtostderr=true", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *(f"-{name}={port}" for name, port in ports.items()),
            *("-filer", "-s3", f"-s3.config={rights}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            # A bucket takes some volumes; what is small lies with the names, as nothing here is about disks.
            *("-volume.max=1000", "-master.volumeSizeLimitMB=64", "-filer.saveToFilerLimit=65536"),
            "-master.telemetry=false",
        ]
        with _running(command, Path(folder) / "log", ports["s3.port"]):
            yield _at(ports["s3.port"])


@contextmanager
def moto() -> Iterator[Buckets]:
    """Run moto's imitation of S3: exact in what it answers, and quick."""
    port = free_port()
    command = [need("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with tempfile.TemporaryDirectory(prefix="moto-") as folder, _running(command, Path(folder) / "log", port):
        yield _at(port)


@contextmanager
def versitygw() -> Iterator[Buckets]:
    """Run a real Versity S3 Gateway, which keeps objects as files; ETags and metadata are their extended attributes."""
    port = free_port()
    program = from_go("github.com/versity/versitygw/cmd/versitygw@v1.8.0")
    with tempfile.TemporaryDirectory(prefix="versitygw-") as folder:
        data, users = Path(folder) / "data", Path(folder) / "users"
        data.mkdir()
        users.mkdir()
        options = ("--port", f"127.0.0.1:{port}", *_ROOT, "--quiet", "--iam-dir", str(users))
        command = [str(program), *options, "posix", str(data)]
        with _running(command, Path(folder) / "log", port):
            yield _at(port)


def policed(buckets: Buckets, bucket: Bucket) -> Mapping[str, Buckets]:
    """Give a bucket of a Versity S3 Gateway the policies of `hosting s3`, and the same server as each role reaches it.

    What a user may do the gateway takes as a part of the bucket's own policy.
    """
    statements: list[object] = []
    users = {}
    for role, text in roles(bucket.name, f"{bucket.prefix}/").items():
        own = json.loads(text)["Statement"]
        if role != "everybody":
            users[role] = _user(buckets, role)
            own = [{**statement, "Principal": {"AWS": [role]}} for statement in own]
        statements += own
    client = import_module("boto3").client("s3", endpoint_url=buckets.endpoint, region_name=KEYS["AWS_REGION"], **_OURS)
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    client.put_bucket_policy(Bucket=bucket.name, Policy=policy)
    return users


def _user(buckets: Buckets, name: str) -> Buckets:
    """Make a user of a Versity S3 Gateway, and give the server as that one reaches it."""
    program = from_go("github.com/versity/versitygw/cmd/versitygw@v1.8.0")
    keys = {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": f"the-secret-of-{name}"}
    user = ("--access", name, "--secret", keys["AWS_SECRET_ACCESS_KEY"], "--role", "user")
    command = [str(program), "admin", *_ROOT, "--endpoint-url", buckets.endpoint, "create-user", *user]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return Buckets(endpoint=buckets.endpoint, environment={**buckets.environment, **keys})


_OURS = {"aws_access_key_id": KEYS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"]}


@contextmanager
def identities(token: str = "t") -> Iterator[tuple[str, list[str]]]:
    """Serve the keys as an instance, a container and Amazon's token service do, and note who asked."""
    asked: list[str] = []
    given = {
        "AccessKeyId": KEYS["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": KEYS["AWS_SECRET_ACCESS_KEY"],
        "Expiration": "2100-01-01T00:00:00Z",
    }
    role = "".join(f"<{name}>{text}</{name}>" for name, text in {**given, "SessionToken": token}.items())
    whole = f"<AssumeRoleWithWebIdentityResult><Credentials>{role}</Credentials></AssumeRoleWithWebIdentityResult>"
    given |= {"Code": "Success", "Type": "AWS-HMAC", "Token": token}
    answers = {
        "/latest/api/token": "of-the-instance",
        "/latest/meta-data/iam/security-credentials/": "builder",
        "/latest/meta-data/iam/security-credentials/builder": json.dumps(given),
        "/container": json.dumps(given),
        "/": f"<AssumeRoleWithWebIdentityResponse>{whole}</AssumeRoleWithWebIdentityResponse>",
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            asked.append(path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answers[path].encode())

        do_PUT = do_POST = do_GET  # noqa: N815 - http.server's names

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


AZURE = {
    "AZURE_STORAGE_ACCOUNT_NAME": "devstoreaccount1",
    "AZURE_STORAGE_ACCOUNT_KEY": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq"
    "/K1SZFPTOtr/KBHBeksoGMGw==",
}
"""The account that every emulator of Azure has (its documentation: "Well-known storage account and key")."""


@contextmanager
def azurite() -> Iterator[Buckets]:
    """Run Azurite, with a container `crates` from which everybody may read."""
    port = free_port()
    program = from_npm("azurite@3.35.0") / ".bin" / "azurite-blob"
    options = ("--silent", "--skipApiVersionCheck", "--inMemoryPersistence", "--blobHost", "127.0.0.1")
    command = [need("node"), str(program), *options, "--blobPort", str(port)]
    endpoint = f"http://127.0.0.1:{port}/{AZURE['AZURE_STORAGE_ACCOUNT_NAME']}"
    with tempfile.TemporaryDirectory(prefix="azurite-") as folder, _running(command, Path(folder) / "log", port):
        _make_container(endpoint, "crates")
        yield Buckets(endpoint=endpoint, environment={**AZURE, "AZURE_STORAGE_ENDPOINT": endpoint})


def _make_container(endpoint: str, name: str) -> None:
    """Make a container, signed by hand: the client library makes none (Azure: "Authorize with Shared Key")."""
    account = AZURE["AZURE_STORAGE_ACCOUNT_NAME"]
    headers = {"x-ms-blob-public-access": "blob", "x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    said = "".join(f"{header}:{value}\n" for header, value in headers.items())
    signed = "PUT" + "\n" * 12 + said + f"/{account}/{account}/{name}\nrestype:container"
    key = base64.b64decode(AZURE["AZURE_STORAGE_ACCOUNT_KEY"])
    signature = base64.b64encode(hmac.digest(key, signed.encode(), "sha256")).decode()
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=10)
    authorization = {"Authorization": f"SharedKey {account}:{signature}", "Content-Length": "0"}
    connection.request("PUT", f"{urlsplit(endpoint).path}/{name}?restype=container", headers=headers | authorization)
    assert connection.getresponse().status == 201
    connection.close()


def _localbucket(folder: str, port: int) -> list[str]:
    return [need("localbucket"), "--port", str(port), folder]


def _nanio(folder: str, port: int) -> list[str]:
    return [need("nanio"), "serve", "--data-dir", folder, "--host", "127.0.0.1", "--port", str(port)]


def _s3rver(folder: str, port: int) -> list[str]:
    program = from_npm("s3rver@3.7.1") / ".bin" / "s3rver"
    options = ("-d", folder, "-a", "127.0.0.1", "-p", str(port), "--no-vhost-buckets", "--allow-mismatched-signatures")
    return [need("node"), str(program), *options]


LIARS: Mapping[str, Callable[[str, int], list[str]]] = MappingProxyType(
    {"localbucket": _localbucket, "nanio": _nanio, "s3rver": _s3rver}
)
"""Servers that take conditions and do not keep to them, each in another way, and how to start them."""


@contextmanager
def liar(name: str) -> Iterator[Buckets]:
    """Run one of the servers that do not keep to conditions."""
    port = free_port()
    # s3rver knows one pair of keys, and the others any.
    keys = {"AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER"}
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        (Path(folder) / "data").mkdir()
        command = LIARS[name](f"{folder}/data", port)
        environment = {"NANIO_ACCESS_KEY": keys["AWS_ACCESS_KEY_ID"], "NANIO_SECRET_KEY": keys["AWS_SECRET_ACCESS_KEY"]}
        with _running(command, Path(folder) / "log", port, environment):
            here = _at(port)
            yield Buckets(endpoint=here.endpoint, environment={**here.environment, **keys})


@contextmanager
def _running(command: list[str], log: Path, port: int, more: Mapping[str, str] = _NONE) -> Iterator[None]:
    env = os.environ | dict(more)
    with (
        log.open("wb") as to,
        subprocess.Popen(command, stdout=to, stderr=to, env=env, start_new_session=True) as process,
    ):
        try:
            _await(process, port, log)
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # it takes its time to end, and its folder goes anyway


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until a server answers requests about buckets."""
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            if get(f"http://127.0.0.1:{port}/").status < 500:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{command_of(process)} did not start: {log.read_text()[-2000:]}")


def command_of(process: subprocess.Popen[bytes]) -> str:
    """Give the name of the program that runs."""
    return re.sub(r".*/", "", str(process.args[0] if isinstance(process.args, list) else process.args))
