"""A tree in a bucket: what holds beside the contract that test_store.py holds all stores to."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import InvalidInput, SettingsError, StoreError
from cargo_static_index.store import Delete, Put, Staged
from cargo_static_index.store.bucket import Bucket, parse_bucket
from cargo_static_index.store.objects.client import PART_BYTES, Client
from cargo_static_index.store.objects.conditions import broken_conditions, lost_in_race
from cargo_static_index.store.objects.identity import Identity, Keys
from cargo_static_index.store.objects.store import ObjectStore
from cargo_static_index.store.objects.uploads import ObjectUploads, new_uploads
from tests.buckets import KEYS, LIARS, Buckets, identities, liar, moto
from tests.crates import CrateBuilder, crate
from tests.faults import Asked, Fault, Proxy, proxied
from tests.servers import free_port
from tests.world import World


@pytest.fixture(scope="module")
def buckets() -> Iterator[Buckets]:
    with moto() as server:
        yield server


@pytest.fixture
def place(buckets: Buckets) -> Bucket:
    return buckets.make()


@pytest.fixture
def store(buckets: Buckets, place: Bucket) -> ObjectStore:
    return buckets.store(place)


@pytest.mark.parametrize(
    ("text", "bucket"),
    [
        ("s3://crates", Bucket("s3", "crates")),
        ("s3://crates/", Bucket("s3", "crates")),
        ("S3://crates/a/b_c/", Bucket("s3", "crates", "a/b_c")),
        ("gs://acme.example.com/x", Bucket("gs", "acme.example.com", "x")),
        ("az://container/x", Bucket("az", "container", "x")),
    ],
)
def test_a_bucket_is_named_by_its_url(text: str, bucket: Bucket) -> None:
    assert parse_bucket(text) == bucket
    assert parse_bucket(str(bucket)) == bucket


def test_a_bucket_of_no_account_is_an_error_of_the_settings() -> None:
    with pytest.raises(SettingsError, match=r"az://x cannot be opened: .* Set AZURE_STORAGE_ACCOUNT_NAME and AZURE"):
        Client(Bucket("az", "x"), {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ftp://crates", "'ftp' is no place that we know: use a path, or s3://, gs://, az://"),
        ("https://crates.s3.amazonaws.com/x", "'https' is no place"),
        ("s3://", "must name a bucket"),
        ("s3:///x", "must name a bucket"),
        ("s3://Crates", "must name a bucket, in small letters"),
        ("s3://crates/a//b", "the prefix must be names"),
        ("s3://crates/../b", "the prefix must be names"),
        ("s3://crates/a b", "the prefix must be names"),
        ("s3://crates?x=1", "must name a bucket"),
    ],
)
def test_what_names_no_bucket_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_bucket(text)
    assert said in str(refused.value)


def test_a_secret_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_bucket("s3://AKIDEXAMPLE:wJalrXUtnFEMI@crates/x")
    assert "AKID" not in str(refused.value)
    assert "wJal" not in str(refused.value)


YEAR = "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("path", "content_type", "cache"),
    [
        ("index/3/f/foo", "text/plain; charset=utf-8", "no-cache"),
        ("index/config.json", "application/json", "no-cache"),
        ("tree.json", "application/json", "no-cache"),
        (f"crates/foo/{'0' * 64}.crate", "application/gzip", YEAR),
        (f"crates/foo/{'0' * 64}.json", "application/json", YEAR),
        ("crates/foo/index.json", "application/json", "public, max-age=60, must-revalidate"),
        ("index.html", "text/html; charset=utf-8", "public, max-age=60, must-revalidate"),
        ("feed.xml", "application/atom+xml", "public, max-age=60, must-revalidate"),
        ("assets/a-1.css", "text/css; charset=utf-8", YEAR),
    ],
)
def test_objects_carry_type_and_cache_headers_by_their_kind(
    buckets: Buckets, place: Bucket, store: ObjectStore, path: str, content_type: str, cache: str
) -> None:
    store.apply([Put(path=path, content=b"x")])
    found = Client(place, buckets.environment).get(path)
    assert found is not None
    assert (found.metadata["content-type"], found.metadata["cache-control"]) == (content_type, cache)
    assert "content-encoding" not in found.metadata


def test_objects_are_tagged_for_caches(buckets: Buckets, place: Bucket, store: ObjectStore) -> None:
    archive = f"crates/Foo/{'0' * 64}.crate"
    paths = {
        "index/3/f/foo": "crate:foo",
        "crates/Foo/index.html": "crate:foo",
        "crates/Foo/1.0.0-RC1/index.html": "crate:foo,release:foo@1.0.0-RC1",
        "crates/Foo/versions/1.html": "crate:foo",
        archive: "crate:foo,release:foo@1.0.0",
        "index.html": None,
        "index/config.json": None,
    }
    tags = {archive: ("release:foo@1.0.0",)}
    store.apply(Put(path=path, content=b"x", tags=tags.get(path, ())) for path in paths)
    client = Client(place, buckets.environment)
    found = {path: client.get(path) for path in paths}
    assert {path: each.metadata.get("cache-tag") for path, each in found.items() if each} == paths


REQUESTS: tuple[Callable[[ObjectStore], object], ...] = (
    lambda store: store.read("a"),
    lambda store: list(store.list()),
    lambda store: store.apply([Put(path="a", content=b"")]),
)


@pytest.mark.parametrize("request_of", REQUESTS)
def test_a_bucket_that_is_not_there_is_named(buckets: Buckets, request_of: Callable[[ObjectStore], object]) -> None:
    with pytest.raises(StoreError, match="s3://no-such-bucket/x: there is no such bucket"):
        request_of(buckets.store(Bucket("s3", "no-such-bucket", "x")))


def test_a_server_that_is_not_there_is_told_without_what_would_sign_a_request() -> None:
    nowhere = {**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    with pytest.raises(StoreError) as failed:
        Client(Bucket("s3", "crates"), nowhere).get("index/config.json")
    assert str(failed.value).startswith("s3://crates/index/config.json: cannot read this: no answer came")
    assert not any(secret in str(failed.value) for secret in KEYS.values() if secret != "us-east-1")


def test_keys_come_from_a_named_profile(buckets: Buckets, place: Bucket, tmp_path: Path) -> None:
    secret = KEYS["AWS_SECRET_ACCESS_KEY"]
    (tmp_path / "credentials").write_text(
        f"[default]\n[ci]\naws_access_key_id = {KEYS['AWS_ACCESS_KEY_ID']}\naws_secret_access_key = {secret}\n"
    )
    (tmp_path / "config").write_text(
        f"[profile ci]\nregion = us-east-1\nendpoint_url = {buckets.endpoint}\n[profile sso]\nregion = x\n"
    )
    files = {"AWS_SHARED_CREDENTIALS_FILE": f"{tmp_path}/credentials", "AWS_CONFIG_FILE": f"{tmp_path}/config"}
    assert Client(place, {**files, "AWS_PROFILE": "ci"}).get("nothing") is None
    for name, what in (("sso", "gives no keys"), ("nobody", "is not there")):
        with pytest.raises(SettingsError, match=f"AWS_PROFILE: the profile '{name}' {what}; for a role or a sign-on"):
            Client(place, {**files, "AWS_PROFILE": name})
    (tmp_path / "credentials").write_text(f"[ci\naws_secret_access_key = {secret}\n")
    with pytest.raises(SettingsError, match="cannot be read as a file of profiles") as failed:
        Client(place, {**files, "AWS_PROFILE": "ci"})
    assert secret not in str(failed.value)


_OURS = Keys(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], "t")


@pytest.mark.parametrize("kind", ["instance", "container"])
def test_keys_of_an_instance_and_a_container_are_asked_for(
    buckets: Buckets, place: Bucket, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "token").write_text("of-the-process")
    with identities() as (url, asked):
        given = {
            "instance": {"AWS_METADATA_ENDPOINT": url},
            "container": {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/container",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{tmp_path}/token",
            },
        }[kind]
        client = Client(place, {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": buckets.endpoint, **given})
        client.put("a", b"bytes", {})  # which the library does with keys that it asks for itself
        assert asked
        assert Identity(given).keys() == _OURS


def test_keys_of_a_web_identity_are_asked_for(tmp_path: Path) -> None:
    """The library asks over TLS alone, so that it is not tried here."""
    (tmp_path / "token").write_text("of-the-process")
    role = {
        "AWS_WEB_IDENTITY_TOKEN_FILE": f"{tmp_path}/token",
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/builder",
    }
    with identities() as (url, _):
        assert Identity({**role, "AWS_ENDPOINT_URL_STS": url}).keys() == _OURS


def test_where_nobody_gives_keys_nobody_waits_for_them_twice() -> None:
    identity = Identity({"AWS_METADATA_ENDPOINT": f"http://127.0.0.1:{free_port()}"})
    assert identity.keys() is None
    assert identity.keys() is None
    assert Identity({"AWS_EC2_METADATA_DISABLED": "true"}).keys() is None


# --- whether a write landed is found out, whatever the answer says


@pytest.fixture
def proxy(buckets: Buckets) -> Iterator[Proxy]:
    with proxied(buckets.endpoint) as found:
        yield found


@pytest.fixture
def shaky(buckets: Buckets, place: Bucket, proxy: Proxy) -> ObjectStore:
    """The same bucket, reached through the proxy, once it was found to keep to conditions."""
    reached = buckets.behind(proxy.url).store(place)
    reached.apply([Put(path="a", content=b"")])
    reached.apply([Delete(path="a")])
    proxy.forget()
    return reached


def first(fault: Fault, method: str) -> Callable[[Asked, int], Fault]:
    """Do this to the first request with a method, and pass on the others."""
    left = [fault]
    return lambda asked, _: left.pop() if left and asked.method == method else "pass"


@pytest.mark.parametrize("fault", ["lose-answer", "cut", "half", "busy", "late"])
@pytest.mark.parametrize("expect", ["any", "absent", "its tag"])
def test_a_write_whose_answer_fails_is_done_once_and_known_as_done(
    store: ObjectStore, shaky: ObjectStore, proxy: Proxy, fault: Fault, expect: str
) -> None:
    if expect == "its tag":
        store.apply([Put(path="index/a", content=b"old")])
        expect = tag_of(store, "index/a")
    proxy.fault = first(fault, "PUT")
    assert shaky.apply([Put(path="index/a", content=b"new", expect=expect)]) == ()
    assert content_of(store, "index/a") == b"new"


@pytest.mark.parametrize("fault", ["lose-answer", "cut", "busy"])
def test_a_delete_whose_answer_fails_is_done(
    store: ObjectStore, shaky: ObjectStore, proxy: Proxy, fault: Fault
) -> None:
    for path, expect in (("a", "any"), ("b", "its tag")):
        store.apply([Put(path=path, content=b"old")])
        proxy.fault = first(fault, "DELETE")
        assert shaky.apply([Delete(path=path, expect=expect if expect == "any" else tag_of(store, path))]) == ()
        assert store.read(path) is None


def test_another_ones_same_bytes_are_not_taken_for_ours(store: ObjectStore, shaky: ObjectStore, proxy: Proxy) -> None:
    """Who believes that would add the same line to tree.json twice."""
    store.apply([Put(path="index/a", content=b"same", expect="absent")])
    change = Put(path="index/a", content=b"same", expect="absent")
    assert shaky.apply([change]) == (change,)
    proxy.fault = first("cut", "PUT")
    assert shaky.apply([change]) == (change,)


def test_who_was_overtaken_after_an_answer_was_lost_is_told_to_begin_again(
    store: ObjectStore, shaky: ObjectStore, proxy: Proxy
) -> None:
    def overtaken(asked: Asked, _: int) -> Fault:
        if asked.method != "PUT":
            store.apply([Put(path="index/a", content=b"theirs")])
            return "pass"
        return "lose-answer"

    proxy.fault = overtaken
    change = Put(path="index/a", content=b"ours", expect="absent")
    assert shaky.apply([change]) == (change,)


def test_a_store_that_stays_away_is_reported_after_some_tries(shaky: ObjectStore, proxy: Proxy) -> None:
    proxy.fault = lambda _asked, _number: "busy"
    with pytest.raises(StoreError, match=r"index/a: cannot read this: 503"):
        shaky.read("index/a")
    assert proxy.kinds() == {"GET": 4}


def test_a_large_archive_goes_up_in_parts(store: ObjectStore, shaky: ObjectStore, proxy: Proxy) -> None:
    content = bytes(range(256)) * (PART_BYTES // 256 * 2) + b"end"
    proxy.fault = lambda asked, _: (
        "lose-answer" if "partNumber=2" in asked.path and proxy.kinds()["PUT"] < 4 else "pass"
    )
    with shaky.session() as stage:
        (stage / "large").write_bytes(content)
        proxy.forget()
        assert shaky.apply([Put(path="crates/a", content=Staged(str(stage / "large")))]) == ()
    assert content_of(store, "crates/a") == content
    assert proxy.kinds()["PUT"] >= 3


def test_the_store_is_told_the_checksum_of_what_it_takes(shaky: ObjectStore, proxy: Proxy) -> None:
    shaky.apply([Put(path="crates/a", content=b"bytes")])
    assert [each.checksum for each in proxy.asked] == [base64.b64encode(hashlib.sha256(b"bytes").digest()).decode()]


def test_a_plus_in_a_path_reaches_the_store_as_a_plus(store: ObjectStore, shaky: ObjectStore, proxy: Proxy) -> None:
    """S3 reads a bare one as a blank."""
    proxy.fault = lambda _asked, _number: "blank"
    shaky.apply([Put(path="crates/a/1.0.0+b/index.html", content=b"x", expect="absent")])
    assert list(store.list()) == ["crates/a/1.0.0+b/index.html"]
    assert content_of(shaky, "crates/a/1.0.0+b/index.html") == b"x"


def tag_of(store: ObjectStore, path: str) -> str:
    found = store.read(path)
    assert found is not None
    return found.tag


def content_of(store: ObjectStore, path: str) -> bytes:
    found = store.read(path)
    assert found is not None
    return found.content


# --- stores that do not keep to conditions


def test_a_store_that_keeps_to_conditions_is_tried_once(buckets: Buckets, place: Bucket, proxy: Proxy) -> None:
    behind = buckets.behind(proxy.url)
    behind.store(place).apply([Put(path="tree.json", content=b"1")])
    assert proxy.kinds()["PUT"] > 1
    proxy.forget()
    another = behind.store(place)
    another.apply([Put(path="tree.json", content=b"2", expect=tag_of(another, "tree.json"))])
    assert proxy.kinds() == {"GET": 1, "PUT": 1}
    assert list(another.list()) == ["tree.json"]


def test_a_copied_bucket_is_tried_anew(buckets: Buckets, place: Bucket, proxy: Proxy) -> None:
    """What other tools carry over with an object says nothing of where it lies now."""
    buckets.store(place).apply([Put(path="tree.json", content=b"1")])
    elsewhere = buckets.behind(proxy.url).store(place)
    elsewhere.apply([Put(path="tree.json", content=b"2", expect=tag_of(elsewhere, "tree.json"))])
    assert proxy.kinds()["PUT"] > 1


TOLD = {
    "metadata": "it keeps no metadata",
    "If-None-Match": "If-None-Match: *",
    "If-Match": "meanwhile (If-Match)",
    "DELETE": "DELETE with If-Match",
}
BROKEN = {
    "localbucket": {"If-Match", "DELETE"},
    "nanio": {"If-None-Match", "If-Match", "DELETE"},
    "s3rver": {"If-None-Match", "If-Match", "DELETE"},
}


@pytest.mark.parametrize("name", LIARS)
def test_a_store_that_does_not_keep_to_conditions_is_refused_unless_nobody_else_writes(name: str) -> None:
    with liar(name) as buckets:
        place = buckets.make()
        with pytest.raises(StoreError) as refused:
            buckets.store(place).apply([Put(path="a", content=b"1")])
        said = str(refused.value)
        assert said.startswith(f"{place}: this store does not keep to conditions: ")
        told = {
            "If-None-Match": "If-None-Match: *",
            "If-Match": "meanwhile (If-Match)",
            "DELETE": "DELETE with If-Match",
        }
        assert {broken for broken, words in told.items() if words in said} == BROKEN[name]
        assert list(buckets.store(place).list()) == []
        alone = buckets.store(place, single_writer=True)
        with alone.session():
            assert alone.apply([Put(path="a", content=b"1", expect="absent")]) == ()
            change = Put(path="a", content=b"2", expect="absent")
            assert alone.apply([change]) == (change,)
            assert alone.apply([Put(path="a", content=b"2", expect=tag_of(alone, "a"))]) == ()
            assert alone.apply([Delete(path="a", expect='"0"')]) != ()
            assert alone.apply([Delete(path="a", expect=tag_of(alone, "a"))]) == ()


def test_writers_that_race_for_one_object_are_all_there_and_nothing_is_left(buckets: Buckets, place: Bucket) -> None:
    client = Client(place, buckets.environment)
    assert list(broken_conditions(client)) == []
    assert lost_in_race(client, writers=4) == 0
    assert list(client.list()) == []


# --- what a change costs


def test_one_more_crate_costs_twelve_requests_from_an_empty_disk_and_no_listing(
    buckets: Buckets, place: Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    def add(host: str, *crates: CrateBuilder) -> None:
        store = buckets.behind(proxy.url).store(place)
        world = World(tmp_path / host, {"registry.pages": False}, store)
        world.add(*(each.write(world.folder) for each in crates))

    add("first", *(crate(f"crate-{number}") for number in range(12)), crate("foo"))
    for number, each in enumerate((crate("foo", "1.1.0"), crate("new"))):
        proxy.forget()
        add(f"host {number}", each)
        kinds = proxy.kinds()
        assert kinds.total() <= 12, proxy.asked
        assert set(kinds) == {"GET", "PUT", "DELETE"}, "nothing is listed"
    proxy.forget()
    add("last", crate("needy").dependency("unknown"))
    assert proxy.kinds().total() <= 12 + 2


def test_what_was_staged_goes_with_what_others_left_long_ago(buckets: Buckets, place: Bucket, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"not published yet")
    own, others = (new_uploads(place, buckets.environment) for _ in range(2))
    abandoned = ObjectUploads(place, buckets.environment, "20200101T000000Z-0123456789ab")
    for session in (own, others, abandoned):
        for number in range(3):
            session.put(str(number), file, path="crates/foo/0.crate", tags=())
    own.clear()
    client = Client(place, buckets.environment)
    assert [listed.path for listed in client.list()] == [str(others.staged(str(number))) for number in range(3)]
    own.clear()
    client.delete_all([str(own.staged("0")), str(others.staged("0"))])
    assert len(list(client.list())) == 2
