"""What a real web server makes of our files: modes, headers, tags, what is absent."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.cargo.client import Cargo
from tests.cargo.ours import Ours
from tests.crates import crate
from tests.servers import get

pytestmark = pytest.mark.cargo


@pytest.fixture
def umask() -> Iterator[Callable[[int], object]]:
    """Give a function that sets the umask until the test is over."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def test_a_server_without_privileges_may_read_everything_that_is_published(
    acme: Ours, umask: Callable[[int], object]
) -> None:
    umask(0o022)
    acme.publish(crate("foo"), crate("MyCrate", "1.0.0+b"))
    acme.publish(crate("foo", "1.1.0"))
    acme.yank("foo@1.0.0")
    paths = [path for path in acme.tree.rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert len(paths) >= 10
    for path in paths:
        status, _, content = get(acme.url + path.relative_to(acme.tree).as_posix())
        assert (status, content) == (200, path.read_bytes()), path


def test_file_and_folder_modes_that_are_set_hold_whatever_the_umask(
    found: Callable[..., Ours], umask: Callable[[int], object]
) -> None:
    umask(0o077)
    acme = found(tree_file_mode="0644", tree_dir_mode="0755")
    acme.publish(crate("foo"))
    for path in ("index/config.json", "index/3/f/foo", f"crates/foo/{crate('foo').cksum()}.crate"):
        assert get(acme.url + path)[0] == 200, path


@pytest.mark.case(89)
def test_an_index_file_has_a_tag_of_its_own_for_each_content(acme: Ours) -> None:
    acme.publish(crate("foo", "1.0.0"), crate("foo", "1.1.0"))
    url = f"{acme.url}index/3/f/foo"
    tags = set()
    for _ in range(3):
        acme.yank("foo@1.0.0")
        acme.unyank("foo@1.0.0")
        status, headers, _ = get(url)
        assert status == 200
        tags.add(headers["ETag"])
        assert get(url, If_None_Match=headers["ETag"])[0] == 304
    assert len(tags) == 3


@pytest.mark.case(89)
def test_a_pass_that_changes_nothing_leaves_every_tag(acme: Ours) -> None:
    acme.publish(crate("foo"))
    urls = [f"{acme.url}index/{path}" for path in ("config.json", "3/f/foo")]
    before = [get(url)[1]["ETag"] for url in urls]
    acme.publish()
    assert [get(url)[1]["ETag"] for url in urls] == before


@pytest.mark.case(90)
@pytest.mark.case(92)
def test_what_is_not_held_is_answered_with_404(acme: Ours) -> None:
    acme.publish(crate("foo"), crate("MyCrate"))
    for path in ("index/ba/r0/bar0", "index/3/f/fop", "index/my/cr/MyCrate", f"crates/foo/{'0' * 64}.crate"):
        assert get(acme.url + path)[0] == 404, path
    assert get(f"{acme.url}index/my/cr/mycrate")[0] == 200


@pytest.mark.case(91)
def test_folders_are_never_listed(acme: Ours) -> None:
    acme.publish(crate("foo"))
    status, _, content = get(acme.url + "index/")
    assert (status, b"This address is for cargo" in content, b"3/f/" in content) == (200, True, False)
    for path in ("index/3/", "index/3/f/", "crates/", "index/config.json/", "index/..%2fcrates/"):
        status, _, content = get(acme.url + path)
        assert status in {403, 404}, path
        assert b"foo" not in content, path


@pytest.mark.case(93)
def test_an_archive_is_never_encoded_whatever_the_client_accepts(acme: Ours) -> None:
    foo = crate("foo")
    acme.publish(foo)
    status, headers, content = get(f"{acme.url}crates/foo/{foo.cksum()}.crate", Accept_Encoding="gzip, deflate")
    assert (status, headers["Content-Encoding"], content) == (200, None, foo.build())
    assert headers["Content-Type"] == "application/gzip"


def test_a_second_client_is_told_that_nothing_changed_by_its_own_cache(acme: Ours, cargo: Cargo) -> None:
    acme.publish(crate("foo"))
    project = cargo.project(acme.needs("foo"))
    project.run("update").ok()
    project.run("update").ok()
    asked = [each for each in acme.requests() if each.path == "index/3/f/foo"]
    assert [(each.status, bool(each.if_none_match)) for each in asked] == [(200, False), (304, True)]
