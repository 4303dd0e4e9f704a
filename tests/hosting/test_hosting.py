"""The command `hosting`: what it prints for hosts that no test can reach, what does not fit them, and moves."""

import hashlib
import json
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from cargo_static_index.crate.limits import MIB
from cargo_static_index.hosting.buckets import PASSING, PUBLISHED
from cargo_static_index.hosting.move import move
from cargo_static_index.hosting.pages import CEILINGS, github_pages, gitlab_pages, over
from cargo_static_index.hosting.place import Place
from tests.cargo.client import Cargo
from tests.cli.program import environment, run
from tests.crates import crate
from tests.servers import Nginx, get, open_folder
from tests.tools import need
from tests.world import World

NEW = "https://crates.example.com/"


@pytest.mark.parametrize(
    ("host", "sizes", "says"),
    [
        ("cloudflare-pages", [(f"{n}", 1) for n in range(20_001)], "the tree has 20,001 files, and Cloudflare Pages"),
        ("cloudflare-pages", [("crates/a/x.crate", 26 * MIB)], "crates/a/x.crate has more than the 25 MiB"),
        ("github-pages", [("a", 90 * MIB)] * 12, "the tree has 1,080 MiB, and GitHub Pages takes 1,024"),
        ("gitlab-pages", [("a", 1)], ""),
    ],
)
def test_a_tree_that_a_host_does_not_take_is_told(host: str, sizes: list[tuple[str, int]], says: str) -> None:
    assert "".join(over(CEILINGS[host], sizes)).startswith(says)


def test_what_is_printed_is_made_for_this_registry(tmp_path: Path) -> None:
    run("init", "--base-url", f"{NEW}team/", cwd=tmp_path).ok()
    for host in ("nginx", "caddy", "apache"):
        text = run("hosting", host, "--root", "/srv/crates", "--endpoint", "127.0.0.1:9000", cwd=tmp_path).ok()
        assert all(part in text for part in (f"{NEW}team/", "/srv/crates", "/team/", "127.0.0.1:9000"))
        assert "@" not in text.replace("@absent", "").replace("@who", "") or host == "caddy"
    for host in CEILINGS:
        assert f"{NEW}team/" in run("hosting", host, cwd=tmp_path).ok()
    ended = run("hosting", "move", cwd=tmp_path)
    assert (ended.code, "--from URL" in ended.err) == (2, True)


def test_a_private_site_for_apache_turns_rewriting_on_once_and_before_it_rewrites(tmp_path: Path) -> None:
    run("init", "--base-url", NEW, cwd=tmp_path).ok()
    text = run("hosting", "apache", "--private", "all", cwd=tmp_path).ok()
    assert re.findall(r"Rewrite\w+", text)[0] == "RewriteEngine"
    assert text.count("RewriteEngine") == 1


def policies(text: str) -> dict[str, list[dict[str, Any]]]:
    """Give the statements of each policy in a text, by the line above it."""
    found = re.findall(r"(?m)^# --- (.*)\n((?:#.*\n)*)(\{\n(?:.*\n)*?\}\n)", text)
    return {head: json.loads(policy)["Statement"] for head, _, policy in found}


def test_buckets_get_a_policy_for_each_role_with_no_right_too_many(tmp_path: Path) -> None:
    tree = ["--tree", "s3://crates-example/team", "--base-url", NEW]
    found = policies(run("hosting", "s3", *tree, cwd=tmp_path).ok())
    assert len(found) == 4
    team = "arn:aws:s3:::crates-example/team/"
    for role, statements in found.items():
        actions = {action for each in statements for action in each["Action"]}
        deletes = [each["Resource"] for each in statements if "s3:DeleteObject" in each["Action"]]
        passing = [f"{team}{each}" for each in PASSING]
        assert deletes == ([f"{team}*"] if role.startswith("Who removes") else [passing] * role.startswith("Who publ"))
        assert ("s3:PutObject" in actions) is role.startswith(("Who removes", "Who publishes"))
        assert {"s3:GetObject", "s3:ListBucket"} <= actions
        read = statements[0]["Resource"]
        if role.startswith("A public"):
            assert f"{team}crates/*" in read
            assert not any(fnmatchcase(f"{team}.cargo-static-index-stage-uploads/1/2.crate", each) for each in read)
        else:
            assert read == f"{team}*"


def test_listing_has_a_condition_only_where_the_bucket_holds_more_than_the_tree(tmp_path: Path) -> None:
    for tree, conditions in (("s3://crates-example", 0), ("s3://crates-example/team", 4)):
        text = run("hosting", "s3", "--tree", tree, "--base-url", NEW, cwd=tmp_path).ok()
        assert text.count('"s3:prefix"') == conditions
        assert f"cargo-static-index build --tree {tree}\n" in text
    unset = run("hosting", "s3", "--base-url", NEW, cwd=tmp_path).ok()
    assert "cargo-static-index build --tree s3://BUCKET\n" in unset


@pytest.mark.parametrize("host", ["s3", "cloudfront"])
def test_policies_of_amazon_are_printed_for_no_other_store(tmp_path: Path, host: str) -> None:
    tree = ["--tree", "gs://crates-example/team", "--base-url", NEW]
    run("hosting", host, *tree, cwd=tmp_path).failed(2, "and the tree is in gs://crates-example/team")


@pytest.mark.parametrize("path", ["index/3/f/foo", f"crates/foo/{'0' * 64}.crate", f"crates/foo/{'0' * 64}.json"])
def test_who_publishes_may_delete_no_release(path: str) -> None:
    assert not any(fnmatchcase(path, each) for each in PASSING)


def test_everybody_may_read_every_file_of_a_tree(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.put(crate("foo"), crate("bar"))
    world.build()
    files = [path for path in world.files() if not path.startswith("kept/")]
    assert [path for path in files if not any(fnmatchcase(path, each) for each in PUBLISHED)] == []


def test_a_private_registry_behind_cloudfront_gets_a_function_that_asks_for_tokens(tmp_path: Path) -> None:
    tree = ["--tree", "s3://crates-example", "--base-url", NEW]
    public = run("hosting", "cloudfront", *tree, cwd=tmp_path).ok()
    assert "handler" not in public
    text = run("hosting", "cloudfront", "--private", "index", *tree, cwd=tmp_path).ok()
    script = tmp_path / "function.js"
    token = hashlib.sha256(b"secret").hexdigest()
    tried = "".join(
        f"console.log(JSON.stringify(handler({{request: {{headers: {json.dumps(headers)}}}}})));\n"
        for headers in ({}, {"authorization": {"value": "secret"}}, {"authorization": {"value": "Bearer secret"}})
    )
    script.write_text(text[text.index("const crypto") :].replace("SHA256-OF-A-TOKEN", token) + tried)
    said = subprocess.run([need("node"), str(script)], capture_output=True, text=True, check=True).stdout
    without, alone, bearer = map(json.loads, said.splitlines())
    assert (without["statusCode"], without["headers"]["cache-control"]["value"]) == (401, "no-store")
    assert without["headers"]["www-authenticate"]["value"].startswith("Cargo login_url=")
    assert "statusCode" not in alone
    assert "statusCode" not in bearer


@pytest.mark.cargo
def test_a_project_locked_to_the_old_address_builds_after_the_old_host_is_gone(tmp_path: Path) -> None:
    with open_folder() as folder:
        world = World(folder, {"tree.flush": False})
        world.put(crate("foo"))
        world.tree.mkdir()
        with Nginx(world.tree) as new:
            with Nginx(world.tree) as old:
                world.build(options={"registry.base-url": old.url})
                project = Cargo(tmp_path, {"acme": old.url}).project('foo = { version = "1", registry = "acme" }')
                project.run("generate-lockfile").ok()
            world.options["registry.base-url"] = new.url
            world.build(move=True)
            assert json.loads(world.read("tree.json"))["aliases"] == [old.url]
            text = move(Place(base_url=new.url, root=str(world.tree), policy=""), old.url)
            block = text[text.index("[source.moved-from]") :]
            assert tomllib.loads(block)
            config = project.folder / ".cargo/config.toml"
            config.parent.mkdir(exist_ok=True)
            config.write_text(f"{config.read_text() if config.exists() else ''}\n{block}")
            project.run("build", "--locked").ok()


@pytest.mark.parametrize("new_path", ["/", "/team/"])
def test_the_redirects_of_a_move_lead_to_the_same_file(new_path: str) -> None:
    with open_folder() as folder:
        world = World(folder, {"tree.flush": False})
        world.put(crate("foo"))
        world.build()
        with Nginx(world.tree, prefix=new_path) as new:
            text = move(Place(base_url=new.url, root=str(world.tree), policy=""), "http://old.example/")
            (redirect,) = [line for line in text.splitlines() if line.startswith("location ")]
            server = f"server {{\n  listen 80;\n  server_name _;\n  {redirect}\n}}"
            with Nginx(world.tree, server=server) as old:
                assert get(f"{old.url}index/3/f/foo").content == world.read("index/3/f/foo")


FOR_WRITERS = frozenset({"changes", "begun", ".cargo-static-index-stage"})
"""What no copy of a tree holds: it is for those who write to this very tree."""


def test_both_pipelines_copy_a_tree_without_what_only_its_writers_need() -> None:
    for printed in (github_pages, gitlab_pages):
        text = printed(Place(base_url=NEW, root="/", policy=""))
        assert text.index("cargo-static-index build") < text.index("rm -rf public") < text.index("git add -A")
        (taken,) = re.findall(r"rm -rf (.*stage)", text)
        assert {path.removeprefix("public/") for path in taken.split()} == FOR_WRITERS


def steps(workflow: str) -> list[str]:
    """Give what a workflow runs, less what installs this program."""
    blocks = re.findall(r"(?m)^( *)(?:- )?run: (?:\|\n((?:\1  .*\n)+)|(.*)\n)", workflow.replace("- run:", "  run:"))
    return [textwrap.dedent(block) or line for _, block, line in blocks if "pip install" not in (block or line)]


def script_of_github(place: Place) -> str:
    found = steps(github_pages(place))
    assert len(found) == 4
    return "".join(f"({step})\n" for step in found)


def script_of_gitlab(place: Place) -> str:
    """Give what the pipeline runs, one step after the other in one shell, less what only GitLab has."""
    printed = gitlab_pages(place)
    script = yaml.safe_load(printed)["pages"]["script"]
    ours = [step for step in script if "pip install" not in step and "remote set-url" not in step]
    assert len(ours) == len(script) - 2
    return "\n".join(ours)


@pytest.mark.parametrize("script_of", [script_of_github, script_of_gitlab], ids=["github", "gitlab"])
def test_a_pipeline_goes_on_from_what_the_run_before_published(
    tmp_path: Path, script_of: Callable[[Place], str]
) -> None:
    def git(*arguments: str, cwd: Path) -> None:
        who = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *who, *arguments], cwd=cwd, check=True, capture_output=True)

    def publish(clock: int) -> dict[str, bytes]:
        clone = tmp_path / str(clock)
        git("clone", "-q", str(tmp_path / "origin"), str(clone), cwd=tmp_path)
        script = script_of(place)
        program = f'cargo-static-index() {{ {sys.executable} -m cargo_static_index "$@"; }}\n'
        env = environment({"SOURCE_DATE_EPOCH": str(clock), "PYTHONPATH": str(Path(__file__).parents[2])})
        subprocess.run(["bash", "-e", "-c", program + script], cwd=clone, env=env, check=True, capture_output=True)
        assert FOR_WRITERS.isdisjoint(path.name for path in (clone / "public").iterdir())
        index = clone / "public/index"
        return {str(path.relative_to(index)): path.read_bytes() for path in index.rglob("*") if path.is_file()}

    place = Place(base_url=NEW, root="/", policy="")
    git("init", "-q", "--bare", "origin", cwd=tmp_path)
    git("clone", "-q", "origin", "work", cwd=tmp_path)
    crate("foo").write(tmp_path / "work/drop")
    git("checkout", "-q", "-b", "main", cwd=tmp_path / "work")
    git("add", "-A", cwd=tmp_path / "work")
    git("commit", "-qm", "A crate", cwd=tmp_path / "work")
    git("push", "-q", "origin", "main", cwd=tmp_path / "work")
    git("symbolic-ref", "HEAD", "refs/heads/main", cwd=tmp_path / "origin")
    first = publish(1_767_225_600)
    assert b"2026-01-01T00:00:00Z" in first["3/f/foo"]
    assert publish(1_767_312_000) == first
