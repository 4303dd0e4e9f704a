"""What is said of one archive: its facts, its index line byte for byte, and all that is wrong with it."""

import io

import pytest

from cargo_static_index.crate.check import CheckedCrate, check_crate, read_crate
from cargo_static_index.crate.limits import Limits
from cargo_static_index.crate.metadata import CrateMetadata, Document, VcsInfo, format_metadata, parse_metadata
from cargo_static_index.crate.policy import REQUIRABLE, Policy
from cargo_static_index.protocol.index_entry import format_entry
from cargo_static_index.protocol.manifest.manifest import entry_of
from cargo_static_index.protocol.registries import Home
from tests.crates import CrateBuilder, crate

OURS = "sparse+https://crates.example.com/index/"
HOME = Home(urls=(OURS,))
POLICY = Policy(home=HOME)
MIRROR = Policy(home=Home(mode="mirror", urls=(OURS,)))
CRATES_IO = '"registry":"https://github.com/rust-lang/crates.io-index"'


def read(built: CrateBuilder, policy: Policy = POLICY, file_name: str | None = None) -> CheckedCrate:
    """Check a crate, which those who only read it have the same checksum and metadata of."""
    content = built.build()
    found = check_crate(io.BytesIO(content), policy, file_name)
    assert read_crate(io.BytesIO(content), policy.limits) == (found.cksum, found.metadata)
    return found


def metadata_of(built: CrateBuilder, policy: Policy = POLICY) -> CrateMetadata:
    found = read(built, policy)
    assert found.problems == ()
    assert not found.refused
    assert found.metadata is not None
    return found.metadata


def line(built: CrateBuilder, policy: Policy = POLICY) -> str:
    """Give the index line without its checksum."""
    metadata = metadata_of(built, policy)
    entry = entry_of(metadata.manifest, cksum=metadata.cksum, home=policy.home)
    return format_entry(entry).decode().replace(f'"cksum":"{built.cksum()}",', "")


def deps(built: CrateBuilder, policy: Policy = POLICY) -> str:
    """Give the dependencies of the line, the registry of crates.io left out."""
    return line(built, policy).partition('"deps":')[2].partition(',"features":{')[0].replace(f",{CRATES_IO}", "")


def told(built: CrateBuilder, policy: Policy = POLICY, file_name: str | None = None) -> list[tuple[str, str]]:
    return [(each.rule, each.message) for each in read(built, policy, file_name).problems]


# the line


@pytest.mark.case(17)
def test_a_minimal_crate_gives_a_minimal_line() -> None:
    assert line(crate()) == '{"name":"foo","vers":"1.0.0","deps":[],"features":{},"yanked":false}'


def test_a_full_crate_gives_the_keys_in_the_order_of_crates_io() -> None:
    built = (
        crate("Foo-bar", "1.0.0-rc.1+build.5")
        .package(links="z", build="build.rs", rust_version="1.60")
        .dependency("a", ">= 1.2 , <2", features=["y", "x"], default_features=False)
        .dependency("b", "1", optional=True, package="real", registry_index="sparse+https://other.example/")
        .dependency("c", "=1.0.0", target="cfg( unix )", registry_index=OURS)
        .feature("with-b", ["dep:b"])
        .feature("all", ["with-b", "a/z"])
        .feature("default")
    )
    metadata = metadata_of(built, Policy(home=HOME, allowed=("sparse+https://other.example/",)))
    entry = entry_of(metadata.manifest, cksum="00", home=HOME, pubtime="2026-01-02T03:04:05Z")
    assert format_entry(entry).decode() == (
        '{"name":"Foo-bar","vers":"1.0.0-rc.1+build.5","deps":['
        '{"name":"a","req":">=1.2, <2","features":["y","x"],"optional":false,"default_features":false,"target":null,'
        f'"kind":"normal",{CRATES_IO}}},'
        '{"name":"b","req":"^1","features":[],"optional":true,"default_features":true,"target":null,'
        '"kind":"normal","registry":"sparse+https://other.example/","package":"real"},'
        '{"name":"c","req":"=1.0.0","features":[],"optional":false,"default_features":true,"target":"cfg( unix )",'
        '"kind":"normal"}],'
        '"cksum":"00","features":{"default":[]},"features2":{"all":["with-b","a/z"],"with-b":["dep:b"]},'
        '"yanked":false,"links":"z","rust_version":"1.60","pubtime":"2026-01-02T03:04:05Z","v":2}'
    )


def dep(name: str, kind: str, target: str = "null", package: str = "") -> str:
    return (
        f'{{"name":"{name}","req":"^1","features":[],"optional":false,"default_features":true,'
        f'"target":{target},"kind":"{kind}"{package}}}'
    )


@pytest.mark.case(27)
def test_a_dependency_of_every_kind_and_two_targets_is_five_dependencies() -> None:
    built = (
        crate()
        .dependency("bar", target="cfg(windows)")
        .dependency("bar", kind="dev")
        .dependency("bar", kind="build")
        .dependency("bar", target="cfg(unix)")
        .dependency("bar")
    )
    expected = (
        dep("bar", "normal"),
        dep("bar", "normal", '"cfg(unix)"'),
        dep("bar", "normal", '"cfg(windows)"'),
        dep("bar", "build"),
        dep("bar", "dev"),
    )
    assert deps(built) == f"[{','.join(expected)}]"


@pytest.mark.case(28)
@pytest.mark.case(29)
def test_aliases_name_their_package_even_where_it_is_the_same() -> None:
    built = crate().dependency("b", package="real").dependency("a", package="real").dependency("c", package="c")
    expected = (
        dep("a", "normal", package=',"package":"real"'),
        dep("b", "normal", package=',"package":"real"'),
        dep("c", "normal", package=',"package":"c"'),
    )
    assert deps(built) == f"[{','.join(expected)}]"


@pytest.mark.case(30)
def test_the_order_in_the_manifest_does_not_matter() -> None:
    one = crate().dependency("b").dependency("a", kind="dev").feature("y").feature("x")
    other = crate().feature("x").feature("y").dependency("a", kind="dev").dependency("b")
    assert line(one) == line(other)


@pytest.mark.case(41)
def test_links_stand_in_the_line() -> None:
    assert ',"links":"git2"' in line(crate().package(links="git2").file("build.rs"))


@pytest.mark.case(50)
def test_without_a_registry_a_dependency_is_of_crates_io_and_in_a_mirror_of_the_mirror() -> None:
    built = crate().dependency("bar")
    assert CRATES_IO in line(built)
    assert '"registry"' not in line(built, MIRROR)


@pytest.mark.case(51)
@pytest.mark.parametrize(
    "url",
    [
        OURS,
        "sparse+https://Crates.Example.com/index/",
        "sparse+https://crates.example.com:443/index/",
        "sparse+HTTPS://crates.example.com/index//",
    ],
)
def test_our_own_url_in_any_spelling_is_no_registry_at_all(url: str) -> None:
    assert '"registry"' not in line(crate().dependency("bar", registry_index=url))


@pytest.mark.case(52)
def test_our_own_url_without_sparse_is_another_registry_and_told() -> None:
    url = "https://crates.example.com/index/"
    found = read(crate().dependency("bar", kind="build", target="cfg(unix)", registry_index=url))
    assert not found.refused
    assert [(each.rule, each.place, each.message) for each in found.problems] == [
        (
            "own-url-without-sparse",
            "Cargo.toml.target.'cfg(unix)'.build-dependencies.bar",
            f"A dependency names {url!r}, which for cargo is a git registry at this registry's address.",
        )
    ]
    assert found.metadata is not None
    assert f'"registry":"{url}"' in format_entry(entry_of(found.metadata.manifest, cksum="", home=HOME)).decode()


@pytest.mark.case(53)
def test_a_third_registry_is_kept_verbatim_and_told_unless_allowed() -> None:
    url = "sparse+https://Other.example/"
    built = crate().dependency("bar", registry_index=url)
    assert f'"registry":"{url}"' in line(built, Policy(home=HOME, allowed=("sparse+https://other.example/",)))
    assert [rule for rule, _ in told(built)] == ["foreign-registry"]


@pytest.mark.case(54)
def test_the_sparse_url_of_crates_io_is_never_written() -> None:
    assert CRATES_IO in line(crate().dependency("bar", registry_index="sparse+https://index.crates.io/"))


def test_what_is_no_registry_url_leaves_no_line_to_be_made() -> None:
    found = read(crate().dependency("bar", registry_index="acme"))
    assert found.metadata is None
    assert found.refused
    assert [each.rule for each in found.problems] == ["registry-index-invalid"]


@pytest.mark.case(59)
def test_a_feature_may_name_a_dev_dependency() -> None:
    found = line(crate().dependency("dev1", kind="dev").feature("f", ["dev1/x"]))
    assert '"kind":"dev"' in found
    assert '"features":{"f":["dev1/x"]}' in found


# facts


def test_facts_say_what_is_in_the_archive() -> None:
    built = crate().readme("# Foo\n").file("CHANGES.md", "1.0.0").vcs("a" * 40, path_in_vcs="crates/foo")
    metadata = metadata_of(built)
    assert metadata.cksum == built.cksum()
    assert metadata.packed_size == len(built.build())
    assert metadata.readme == Document(path="README.md", size=6, text="# Foo\n")
    assert metadata.changelog == Document(path="CHANGES.md", size=5, text="1.0.0")
    assert metadata.vcs == VcsInfo(sha1="a" * 40, dirty=False, path_in_vcs="crates/foo")
    assert [file.path for file in metadata.files] == [
        ".cargo_vcs_info.json",
        "CHANGES.md",
        "Cargo.toml",
        "README.md",
        "src/lib.rs",
    ]
    assert metadata.unpacked_size == sum(file.size for file in metadata.files)
    assert parse_metadata(format_metadata(metadata)) == metadata


def test_a_crate_alone_has_neither_documents_nor_vcs() -> None:
    metadata = metadata_of(crate())
    assert (metadata.readme, metadata.changelog, metadata.vcs) == (None, None, None)


@pytest.mark.parametrize(
    ("path", "content", "document"),
    [
        ("README.md", b"\xef\xbb\xbfhi", Document(path="README.md", size=5, text="hi")),
        ("README.md", b"\xff", Document(path="README.md", size=1, text=None, missing="not-utf8")),
        ("docs/odd name", b"hi", Document(path="docs/odd name", size=2, text="hi")),
    ],
)
def test_the_readme_is_found_under_the_name_that_the_manifest_gives(
    path: str, content: bytes, document: Document
) -> None:
    assert metadata_of(crate().readme(content, path)).readme == document


def test_a_readme_that_is_not_there_is_said_to_be_missing() -> None:
    assert metadata_of(crate().package(readme="../README.md")).readme == Document(
        path="../README.md", size=0, text=None, missing="not-found"
    )


def test_a_manifest_that_names_no_readme_has_the_usual_one_unless_it_says_false() -> None:
    built = crate().file("README", "hi")
    assert metadata_of(built).readme == Document(path="README", size=2, text="hi")
    assert metadata_of(built.package(readme=False)).readme is None


@pytest.mark.parametrize(
    ("files", "changelog"),
    [
        (("NEWS", "HISTORY.rst", "Changelog.txt", "CHANGELOG.md"), "CHANGELOG.md"),
        (("NEWS", "releases.md", "CHANGES"), "CHANGES"),
        (("docs/CHANGELOG.md", "CHANGELOG.rs", "changes.d"), None),
        (("HIſTORY.md", "releaſes"), None),
    ],
)
def test_the_changelog_is_the_likeliest_name_in_the_packages_directory(
    files: tuple[str, ...], changelog: str | None
) -> None:
    built = crate()
    for file in files:
        built.file(file, "x")
    found = metadata_of(built).changelog
    assert (found.path if found else None) == changelog


@pytest.mark.parametrize(
    ("content", "vcs"),
    [
        ("", None),
        ("[]", None),
        ("{}", VcsInfo(sha1=None, dirty=False, path_in_vcs="")),
        ('{"git": 1, "path_in_vcs": 2}', VcsInfo(sha1=None, dirty=False, path_in_vcs="")),
        ('{"git": {"sha1": "ab", "dirty": "no"}}', VcsInfo(sha1="ab", dirty=False, path_in_vcs="")),
        ("[" * 100_000, None),
    ],
)
def test_vcs_info_of_another_shape_is_no_problem(content: str, vcs: VcsInfo | None) -> None:
    assert metadata_of(crate().file(".cargo_vcs_info.json", content)).vcs == vcs


# problems


def test_a_file_that_is_no_archive_is_refused_without_facts() -> None:
    found = check_crate(io.BytesIO(b"<html>"), POLICY, "foo-1.0.0.crate")
    assert (found.metadata, found.name, found.vers, found.cksum, found.refused) == (None, None, None, None, True)
    assert [each.rule for each in found.problems] == ["file-not-gzip"]


def test_an_archive_with_an_unreadable_manifest_has_a_checksum_and_no_facts() -> None:
    built = crate().manifest("a = ")
    found = read(built)
    assert (found.metadata, found.name, found.cksum, found.refused) == (None, None, built.cksum(), True)
    assert [each.rule for each in found.problems] == ["manifest-invalid"]


def test_a_refused_release_has_its_facts_and_every_problem_in_order() -> None:
    built = (
        crate("std")
        .package(publish=False, rust_version="^1", keywords="k")
        .dependency("bar", "1 2", registry_index="https://third.example/")
        .dependency("baz", kind="dev", optional=True)
        .feature("f", ["nothing"])
        .vcs(dirty=True)
        .file("aux.rs")
    )
    found = read(built, Policy(home=HOME, required_fields=("repository",)), "x.crate")
    assert found.refused
    assert found.metadata is not None
    assert (found.name, found.vers, found.cksum) == ("std", "1.0.0", built.cksum())
    assert [each.rule for each in found.problems] == [
        "path-unportable",
        "manifest-shape",
        "rust-version-invalid",
        "requirement-invalid",
        "file-name-differs",
        "reserved-name",
        "publish-excludes-us",
        "missing-field",
        "vcs-dirty",
        "foreign-registry",
        "optional-dev-dependency",
        "feature-unknown-reference",
    ]


def test_problems_that_only_warn_do_not_refuse() -> None:
    found = read(crate().vcs(dirty=True), file_name="latest.crate")
    assert not found.refused
    assert [(each.rule, each.message, each.way_out) for each in found.problems] == [
        (
            "file-name-differs",
            "The file is 'latest.crate', but holds 'foo-1.0.0', under which name it is published.",
            "Name the file `foo-1.0.0.crate`.",
        ),
        (
            "vcs-dirty",
            "The crate was packaged from a working directory with uncommitted changes.",
            "Commit, then package without `--allow-dirty`.",
        ),
    ]


def test_the_settings_change_the_level_of_a_policy() -> None:
    built = crate().vcs(dirty=True)
    assert read(built, Policy(levels={"vcs-dirty": "refuse"})).refused
    assert read(crate().dependency("bar", "*"), Policy(levels={"wildcard-requirement": "refuse"})).refused
    assert not read(crate().dependency("bar", "*")).refused


@pytest.mark.case(64)
def test_all_names_are_told_where_directory_manifest_and_file_differ() -> None:
    differ = "The directory in the archive is 'foo-1.0.0', but Cargo.toml makes it 'foo-1.0.1'"
    assert told(crate("foo", "1.0.1").prefix("foo-1.0.0")) == [("directory-differs", f"{differ}.")]
    assert told(crate("foo", "1.0.1").prefix("foo-1.0.0"), file_name="bar-2.0.0.crate") == [
        ("directory-differs", f"{differ}; the file is 'bar-2.0.0.crate'."),
        (
            "file-name-differs",
            "The file is 'bar-2.0.0.crate', but holds 'foo-1.0.1', under which name it is published.",
        ),
    ]
    assert read(crate("foo", "1.0.1").prefix("Foo-1.0.1")).refused
    assert told(crate("foo", "1.0.1"), file_name="foo-1.0.1.crate") == []


@pytest.mark.case(7)
@pytest.mark.parametrize("name", ["std", "nul", "CON", "com1", "proc-macro"])
def test_reserved_names_are_refused_but_not_in_a_mirror(name: str) -> None:
    assert told(crate(name)) == [
        (
            "reserved-name",
            f"The name {name!r} is reserved: it belongs to Rust itself, or Windows has a device of that name.",
        )
    ]
    assert told(crate(name), MIRROR) == []
    strict = Policy(home=MIRROR.home, levels={"reserved-name": "warn"})
    assert [rule for rule, _ in told(crate(name), strict)] == ["reserved-name"]


@pytest.mark.case(61)
@pytest.mark.parametrize(
    ("publish", "registry_name", "message"),
    [
        (False, None, "`package.publish` is false, so no registry may hold the crate."),
        ([], "ours", "`package.publish` is false, so no registry may hold the crate."),
        (["other", "more"], "ours", "`package.publish` names 'other', 'more', but not this registry, 'ours'."),
        (["other"], None, None),
        (["other", "ours"], "ours", None),
        (True, "ours", None),
        (None, "ours", None),
    ],
)
def test_a_crate_is_not_published_where_its_author_forbids_it(
    publish: bool | list[str] | None, registry_name: str | None, message: str | None
) -> None:
    built = crate().package(publish=publish)
    expected = [] if message is None else [("publish-excludes-us", message)]
    assert told(built, Policy(home=HOME, registry_name=registry_name)) == expected
    assert told(built, MIRROR) == []


def test_every_field_that_can_be_required_is_missed_once() -> None:
    policy = Policy(required_fields=REQUIRABLE)
    bare = crate().package(description="", license=None)
    assert told(bare, policy) == [
        ("missing-field", f"`package.{field}` is missing or empty; this registry asks for it.") for field in REQUIRABLE
    ]
    full = crate().readme("hi").package(
        authors=["A"], categories=["c"], documentation="https://d.example", homepage="https://h.example",
        keywords=["k"], repository="https://r.example",
        rust_version="1.70", license=None, license_file="LICENSE",
    )  # fmt: skip
    assert told(full, policy) == []


def test_a_readme_over_the_limit_is_told_and_left_out_of_the_facts() -> None:
    found = read(crate().readme("x" * 11), Policy(limits=Limits(readme_bytes=10)))
    assert not found.refused
    assert [(each.rule, each.place, each.message) for each in found.problems] == [
        ("readme-too-large", "README.md", "The README has 11 bytes, so pages do not show it; the limit is 10.")
    ]
    assert found.metadata is not None
    assert found.metadata.readme == Document(path="README.md", size=11, text=None, missing="too-large")


def test_a_readme_for_which_no_room_was_left_is_told_too() -> None:
    limits = Limits(documents_bytes=100)
    found = read(crate().file("AAA.md", "x" * 95).file("BBB.md", "x" * 95).readme("x" * 10), Policy(limits=limits))
    assert [(each.rule, each.message) for each in found.problems] == [
        ("readme-too-large", "The README has 10 bytes, for which the archive's other documents left no room.")
    ]


def test_a_manifest_with_the_same_fault_everywhere_is_told_ten_times() -> None:
    built = crate()
    for number in range(25):
        built.dependency(f"d{number}", "*")
    found = told(built)
    assert len(found) == 11
    assert found[0] == ("wildcard-requirement", "`dependencies.d0` accepts every version.")
    assert found[-1] == ("wildcard-requirement", "And 15 more of the same kind.")


@pytest.mark.case(26)
def test_an_optional_dev_dependency_is_told_once() -> None:
    assert told(crate().dependency("bar", kind="dev", optional=True)) == [
        ("optional-dev-dependency", "The dev-dependency 'bar' is optional, which cargo refuses.")
    ]
