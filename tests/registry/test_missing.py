"""What no client could resolve from here, as `build`, `check` and `missing` say it."""

import json
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from cargo_static_index.registry.events import Report
from cargo_static_index.registry.missing import Missing, missing_in
from cargo_static_index.store import Store, Stored
from cargo_static_index.store.local.store import LocalStore
from cargo_static_index.store.memory import MemoryStore
from cargo_static_index.tree.layout import index_file
from tests.cli.program import run
from tests.crates import CrateBuilder, crate
from tests.registry.trees import line, tree_of
from tests.tools import need
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"registry.mode": "mirror", "registry.pages": False, "tree.flush": False})


def missing_places(report: Report) -> dict[str, list[str]]:
    return {
        f"{each.name} {each.vers}": [problem.message for problem in each.problems]
        for each in report.outcomes
        if any(problem.rule == "dependency-missing" for problem in each.problems)
    }


Answer = list[tuple[Missing, list[str]]]


def missing_of(store: Store, state: Path | None = None, *names: str) -> Answer:
    """Give what is missing, each with the releases that need it."""
    with missing_in(store, state, names) as dependencies:
        found = [(each, list(dependencies.needed_by(each))) for each in dependencies.all()]
    assert all(each.releases == len(releases) for each, releases in found)
    return found


def app(vers: str = "1.0.0", req: str = "2") -> CrateBuilder:
    return crate("app", vers).dependency("bar", req)


def test_a_dependency_that_nothing_here_satisfies_is_warned_of_when_the_crate_comes(world: World) -> None:
    world.put(app(), crate("bar", "1.4.0"), crate("bar", "1.10.0"))
    report = world.build()
    (message,) = missing_places(report)["app 1.0.0"]
    assert message == "The dependency `bar` ^2: of the versions held, 1.4.0, 1.10.0, none satisfies it."
    assert len(missing_places(report)) == 1
    world.put(crate("other").dependency("nobody"))
    assert missing_places(world.build()) == {
        "other 1.0.0": ["The dependency `nobody` ^1: no version of it is held here."]
    }


def test_what_comes_in_the_same_pass_is_not_missing_unless_it_is_refused(world: World) -> None:
    world.put(app(), crate("bar", "2.1.0"))
    assert missing_places(world.build()) == {}
    world.put(app("1.1.0", "3"), crate("bar", "3.0.0").package(description=None, license=None, name="ba r"))
    assert list(missing_places(world.build())) == ["app 1.1.0"]


@pytest.mark.parametrize(
    "of_another",
    [
        crate("app").dependency("bar", "2", optional=True).feature("f", ["dep:bar"]),
        crate("app").dependency("bar", "2", kind="dev"),
        crate("app").dependency("bar", "2", registry_index="sparse+https://other.example/"),
    ],
    ids=["optional", "for tests", "of another registry"],
)
def test_what_a_client_can_do_without_is_not_missing(world: World, of_another: CrateBuilder) -> None:
    world.put(of_another)
    assert missing_places(world.build()) == {}
    assert missing_of(LocalStore(world.tree)) == []


def test_the_rule_can_refuse_or_be_off(tmp_path: Path) -> None:
    for level, status in (("refuse", "refused"), ("allow", "published")):
        options = {"registry.mode": "mirror", "registry.pages": False, "rules": [f"dependency-missing={level}"]}
        world = World(tmp_path / level, options)
        world.put(app())
        (outcome,) = world.build().outcomes
        assert (outcome.status, bool(outcome.problems)) == (status, level == "refuse")


def test_a_registry_of_its_own_does_not_ask_after_crates_of_crates_io(tmp_path: Path) -> None:
    world = World(tmp_path, {"registry.pages": False})
    world.put(app())
    assert missing_places(world.build()) == {}


def test_missing_lists_what_is_needed_with_who_needs_it_and_yanks_count(world: World) -> None:
    world.put(app("1.0.0"), app("1.1.0"), app("1.2.0", "^1.2"), crate("bar", "1.3.0"), crate("bar", "2.0.0"))
    world.build()
    assert missing_of(LocalStore(world.tree)) == []
    world.yank("bar@2.0.0")
    world.yank("app@1.1.0")
    assert missing_of(LocalStore(world.tree)) == [
        (Missing(name="bar", req="^2", held=("1.3.0",), releases=1), ["app@1.0.0"])
    ]


def test_the_command_prints_text_json_and_a_table_that_cargo_reads(world: World, tmp_path: Path) -> None:
    world.put(app(), app("1.1.0", "3"), crate("bar", "1.0.0"))
    world.build()
    tree = ("--tree", str(world.tree))
    assert run("missing", *tree, cwd=tmp_path).ok().splitlines() == [
        "bar ^2  needed by app@1.0.0; held: 1.0.0",
        "bar ^3  needed by app@1.1.0; held: 1.0.0",
    ]
    lines = run("missing", "--json", *tree, cwd=tmp_path).ok().splitlines()
    assert [json.loads(line)["requirement"] for line in lines] == ["^2", "^3"]
    manifest = tmp_path / "fetch/Cargo.toml"
    (manifest.parent / "src").mkdir(parents=True)
    (manifest.parent / "src/lib.rs").touch()
    table = run("missing", "--toml", *tree, cwd=tmp_path).ok()
    assert tomllib.loads(table)["dependencies"]["missing-2"] == {"package": "bar", "version": "^3"}
    manifest.write_text(f'[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n{table}')
    command = [need("cargo"), "metadata", "--no-deps", "--offline", "--format-version", "1"]
    found = json.loads(subprocess.run(command, cwd=manifest.parent, capture_output=True, check=True).stdout)
    assert [each["req"] for each in found["packages"][0]["dependencies"]] == ["^2", "^3"]


DEPENDENCY = '{"name":"nobody","req":"^1","features":[],"optional":false,"default_features":true,"target":null}'


class Reads(LocalStore):
    """A tree that knows which of its files were read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.paths: set[str] = set()

    def read(self, path: str) -> Stored | None:
        self.paths.add(path)
        return super().read(path)

    def read_all(self, paths: Sequence[str]) -> Sequence[Stored | None]:
        self.paths.update(paths)
        return super().read_all(paths)


def asked(world: World) -> tuple[Answer, set[str]]:
    """Give what is missing as the state knows it, and the index files that were read for it."""
    store = Reads(world.tree)
    found = missing_of(store, world.state)
    return found, {path for path in store.paths if path.startswith("index/")}


def test_what_was_asked_before_is_remembered_and_right_after_every_change(world: World) -> None:
    def whole() -> list[str]:
        found = missing_of(LocalStore(world.tree))
        assert asked(world)[0] == found
        return [each.req for each, _ in found]

    world.put(app(), app("1.1.0", "3"), crate("bar", "1.0.0"), crate("other").dependency("Bar_Case", "1"))
    world.build()
    assert whole() == ["^1", "^2", "^3"]
    world.put(crate("bar", "2.0.0"))
    world.build()
    assert whole() == ["^1", "^3"]
    world.yank("bar@2.0.0")
    assert whole() == ["^1", "^2", "^3"]
    world.put(crate("Bar_Case", "1.0.0"))
    world.build()
    assert whole() == ["^2", "^3"]
    world.remove("app@1.0.0")
    world.yank("app@1.1.0")
    assert whole() == []
    world.remove("app@1.1.0")
    world.remove("bar@1.0.0", "bar@2.0.0")
    assert whole() == []
    world.forget()
    world.build()
    assert whole() == []


def test_asking_again_reads_what_changed_and_nothing_else(world: World) -> None:
    world.put(*(crate(f"fine{number}").dependency("bar", "1") for number in range(30)), crate("bar", "1.0.0"), app())
    world.build()
    first, read = asked(world)
    assert len(read) > 30
    assert asked(world) == (first, set())
    world.put(crate("fine0", "1.1.0").dependency("bar", "1").dependency("nobody"))
    world.build()
    (bar, nobody), read = asked(world)
    assert (bar, nobody[1]) == (first[0], ["fine0@1.1.0"])
    assert read == {"index/fi/ne/fine0", "index/no/bo/nobody"}
    world.put(crate("bar", "2.0.0"))
    world.build()
    assert asked(world) == ([nobody], {"index/3/b/bar"})


def test_releases_of_many_crates_that_need_the_same_are_all_given(world: World) -> None:
    names = [f"needy{number:04}" for number in range(60)]
    lines = {name: f'{{"name":"{name}","vers":"1.0.0","deps":[{DEPENDENCY}],"cksum":"{"0" * 64}"}}\n' for name in names}
    store = MemoryStore({index_file(name): line.encode() for name, line in lines.items()})
    ((_, releases),) = missing_of(store)
    assert releases == [f"{name}@1.0.0" for name in names]
    assert [by for _, by in missing_of(store, None, "needy0007")] == [["needy0007@1.0.0"]]


@pytest.mark.parametrize("name", ["", "..", "../../../x", "a/b", "é", "x" * 300, "\\u0000", "con"])
def test_a_needed_name_that_no_crate_can_have_is_missing_and_harms_nothing(world: World, name: str) -> None:
    dependency = DEPENDENCY.replace("nobody", name)
    line = f'{{"name":"app","vers":"1.0.0","deps":[{dependency}],"cksum":"{"0" * 64}"}}\n'
    for store in (MemoryStore({"index/3/a/app": line.encode()}), LocalStore(world.tree)):
        if isinstance(store, LocalStore):
            (world.tree / "index/3/a").mkdir(parents=True)
            (world.tree / "index/3/a/app").write_text(line)
        ((_, releases),) = missing_of(store)
        assert releases == ["app@1.0.0"]


@pytest.mark.parametrize(("level", "code", "words"), [("warn", 0, "warning"), ("refuse", 1, "error"), ("allow", 0, "")])
def test_verify_says_what_is_missing_as_the_policy_has_it(world: World, level: str, code: int, words: str) -> None:
    world.put(app(), crate("bar", "1.0.0"))
    world.build()
    settings = f'[registry]\nmode = "mirror"\npages = false\n\n[rules]\ndependency-missing = "{level}"\n'
    (world.folder / "registry.toml").write_text(settings)
    for names in ((), ("app",)):
        done = run("verify", "--json", *names, cwd=world.folder)
        assert done.code == code
        findings = json.loads(done.out)["findings"]
        assert [(each["rule"], each["level"]) for each in findings] == (
            [("dependency-missing", words)] if words else []
        )
        if words:
            assert findings[0]["message"] == (
                "`bar` ^2, needed by app@1.0.0: of the versions held, 1.0.0, none satisfies it."
            )
    assert json.loads(run("verify", "--json", "bar", cwd=world.folder).out)["findings"] == []


def test_a_requirement_that_cargo_cannot_read_is_nobodys_need() -> None:
    store = tree_of({"app": [line("app", "1.0.0", {"bar": "no requirement", "baz": "^1"})]})
    assert [(missing.name, missing.req) for missing, _ in missing_of(store)] == [("baz", "^1")]
