"""What pages are made from: files that settings name, opened as if somebody wanted others to be published."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.registry.site.theme import read_theme, renderer
from cargo_static_index.settings import Settings, load_settings
from tests.crates import crate
from tests.registry.site.reading import text_of
from tests.registry.site.registries import OPTIONS
from tests.world import World

KINDS = {"stylesheet": "own.css", "logo": "mark.svg", "templates": "templates"}


def settings_of(folder: Path, text: str) -> Settings:
    folder.mkdir(exist_ok=True)
    (folder / "registry.toml").write_text(f"[pages]\n{text}")
    return load_settings({}, {}, folder).settings


@pytest.mark.parametrize("key", KINDS)
@pytest.mark.parametrize("way", ["../", "below/../../", "{}/"])
def test_a_settings_file_publishes_nothing_from_outside_its_folder(tmp_path: Path, key: str, way: str) -> None:
    path = f"{way.format(tmp_path)}{KINDS[key]}"
    with pytest.raises(SettingsError, match=rf"pages\.{key}: .* lies outside of .*--pages-{key}"):
        settings_of(tmp_path / "registry", f'{key} = "{path}"')


@pytest.mark.parametrize("key", KINDS)
@pytest.mark.parametrize("linked", ["file", "folder"])
def test_no_link_leads_out_of_it(tmp_path: Path, key: str, linked: str) -> None:
    secret = tmp_path / "secrets" / ("base.html" if key == "templates" else KINDS[key])
    secret.parent.mkdir()
    secret.write_text("secret")
    registry = tmp_path / "registry"
    inside = registry / "look"
    registry.mkdir()
    if linked == "folder":
        inside.symlink_to(secret.parent)
    else:
        inside.mkdir()
        (inside / secret.name).symlink_to(secret)
    path = "look" if key == "templates" else f"look/{secret.name}"
    with pytest.raises(SettingsError, match=rf"pages\.{key}: .* is a link, or lies behind one"):
        read_theme(settings_of(registry, f'{key} = "{path}"'))


def test_what_lies_below_is_read_and_what_an_option_names_too(tmp_path: Path) -> None:
    registry = tmp_path / "registry"
    (registry / "look").mkdir(parents=True)
    (registry / "look/own.css").write_text("a {}")
    assert read_theme(settings_of(registry, 'stylesheet = "look/own.css"')).stylesheet == b"a {}"
    (tmp_path / "other.css").write_text("b {}")
    named = load_settings({"pages.stylesheet": str(tmp_path / "other.css")}, {}, registry).settings
    assert read_theme(named).stylesheet == b"b {}"


def test_the_example_of_the_templates_guide_works(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[3] / "site-template/README.md").read_text()
    (example,) = re.findall(r"```jinja\n(.*?)```", guide, re.DOTALL)
    world = World(tmp_path, OPTIONS)
    (tmp_path / "registry.toml").write_text('[pages]\ntemplates = "templates"\n')
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/crate.html").write_text(example)
    world.put(crate("foo"), crate("bar"))
    world.build()
    assert "Ask #rust before you use this." in text_of(world.read("crates/foo/index.html"))
    assert not any(world.state.rglob("*templates*"))


def test_a_template_of_the_users_takes_the_place_of_one_block(world: World) -> None:
    mine = world.folder / "templates"
    mine.mkdir()
    (mine / "crate.html").write_text(
        '{% extends "shipped/crate.html" %}{% block warnings %}<p>Ask us first.</p>{% endblock %}'
    )
    world.put(crate("foo"))
    world.build(options={"pages.templates": str(mine)})
    assert text_of(world.read("crates/foo/index.html")).startswith("Ask us first.\nCrates\nfoo 1.0.0\n")


def test_settings_give_logo_colours_stylesheet_links_and_footer(world: World) -> None:
    (world.folder / "mark.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (world.folder / "own.css").write_text(".own { color: red }")
    world.put(crate("foo"))
    world.build(
        options={
            "pages.logo": str(world.folder / "mark.svg"),
            "pages.stylesheet": str(world.folder / "own.css"),
            "pages.accent": "#7a1f5c",
            "pages.links": ["Ask us https://chat.example.com/"],
            "pages.footer": "Run by <us>.",
            "pages.documentation": "https://docs.example.com/{crate}/{version}/",
        }
    )
    files = world.files()
    (logo,) = (path for path in files if path.startswith("assets/mark-"))
    (style,) = (content for path, content in files.items() if path.startswith("assets/site-") and path.endswith(".css"))
    page = world.read("crates/foo/index.html")
    assert f'src="../../{logo}"'.encode() in page
    assert b"--accent:#7a1f5c" in style
    assert style.endswith(b".own { color: red }")
    assert b'<a href="https://chat.example.com/">Ask us</a>' in page
    assert b"Run by &lt;us&gt;." in page
    assert b'href="https://docs.example.com/foo/1.0.0/"' in page


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("crate.html", "{% broken", "the template 'crate.html', line 1, cannot be used"),
        ("crate.html", "\n{{ nothing.here }}", "the template 'crate.html', line 2, cannot be used for 'crates/foo/"),
        ("footer.html", "{{ site.title.x.y }}", "the template 'footer.html', line 1, cannot be used for "),
    ],
)
def test_a_template_that_fails_is_named(world: World, name: str, text: str, says: str) -> None:
    mine = world.folder / "templates"
    mine.mkdir()
    (mine / name).write_text(text)
    world.put(crate("foo"))
    with pytest.raises(SettingsError, match=says):
        world.build(options={"pages.templates": str(mine)})
    world.build()
    assert "foo 1.0.0" in text_of(world.read("crates/foo/index.html"))


def test_what_settings_name_and_is_not_there_is_said(tmp_path: Path) -> None:
    registry = tmp_path / "registry"
    for text, says in (
        ('templates = "gone"', r"pages\.templates: '.*/gone' is no folder; name one that holds templates"),
        ('stylesheet = "gone.css"', r"pages\.stylesheet: '.*/gone.css' cannot be read: there is no such file"),
        (f'stylesheet = "{"a" * 300}.css"', r"pages\.stylesheet: .*aaa\.css: cannot read: File name too long"),
    ):
        with pytest.raises(SettingsError, match=says):
            read_theme(settings_of(registry, text))


def test_what_renders_is_named_with_its_version_as_it_is_installed() -> None:
    ours, *others = renderer().split(" ", 1)
    assert ours == "cargo-static-index"
    assert re.fullmatch(r"\S+ comrak \S+ nh3 \S+ Pygments \S+ Jinja2 \S+", others[0])
    assert f"nh3 {version('nh3')}" in renderer()
    assert renderer(("json", "nothing-at-all")).endswith(" json nothing-at-all"), "these have no version of their own"
