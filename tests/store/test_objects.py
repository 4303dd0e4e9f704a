"""A tree in a bucket: what holds beside the contract that test_store.py holds all stores to."""

from collections.abc import Callable, Iterator

import pytest

from cargo_static_index.diagnostics.errors import InvalidInput, StoreError
from cargo_static_index.store import Put
from cargo_static_index.store.bucket import Bucket, parse_bucket
from cargo_static_index.store.objects.client import Client
from cargo_static_index.store.objects.store import ObjectStore
from tests.buckets import KEYS, Buckets, moto


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ftp://crates", "'ftp' is no place that a tree can lie in: use a path, or s3://, gs://, az://"),
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
