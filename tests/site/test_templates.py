"""Templates: the user's in a sandbox, ours as they were compiled with the program."""

import shutil
import sys
from pathlib import Path

import jinja2
import pytest

from cargo_static_index.diagnostics.errors import SettingsError
from cargo_static_index.site.compiled import MADE_FROM, are_made_from, compile_folder
from cargo_static_index.site.templates import CompiledLoader, Templates
from cargo_static_index.site.theme import SiteInfo, Theme

SHIPPED = Path(__file__).parents[2] / "site-template"
SITE = SiteInfo(title="Acme <&>", registry="acme", base_url="", index_url="")


def rendered(text: str, *, own: bool = True, **context: object) -> str:
    theme = Theme(files={"page.html": text.encode(), "piece.html": b"[{{ root }}]"}, own=("page.html",) if own else ())
    return Templates(theme, SITE).render("page.html", "a/page.html", context).decode()


@pytest.mark.parametrize(
    "attack",
    [
        "{{ site.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ site.set_page.__globals__ }}",
        "{{ piece.__func__.__globals__ }}",
        "{{ piece.__self__._environment }}",
        "{{ self.__init__ }}",
        "{{ (x for x in ()).gi_frame }}",
        "{{ '{0.__class__}'.format(site) }}",
        "{{ site|attr('__class__') }}",
        "{% set _ = rows.append(1) %}",
        "{{ range(9) }}",
        "{{ cycler('a') }}",
        "{{ lipsum.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{% include '../secret' %}",
    ],
)
def test_a_template_of_the_users_reaches_nothing_but_what_it_is_given(attack: str) -> None:
    try:
        page = rendered(attack, rows=[])
    except SettingsError:
        return
    assert page == ""


def test_a_template_of_the_users_has_all_that_is_documented() -> None:
    text = (
        '{{ site.title }} {{ path }} {{ root }} {{ piece("piece.html", root) }} {{ 2|many("crate") }}'
        ' {{ "a b"|href }} {{ "a-b"|breakable }} {{ "`a`"|ticks }} {{ ["b", "a"]|sort|join }}'
    )
    expected = "Acme &lt;&amp;&gt; a/page.html ../ [../] 2 crates a%20b a-<wbr>b <code>a</code> ab"
    pages = [rendered(text), rendered(text, own=False)]
    assert [page.partition("<!--")[0] for page in pages] == [expected] * 2


def test_shipped_templates_render_alike_compiled_or_not(tmp_path: Path) -> None:
    compile_folder(SHIPPED, tmp_path / "compiled")
    shutil.copytree(SHIPPED, tmp_path / "others")
    (tmp_path / "others" / "404.html").write_text("not looked at")
    compile_folder(tmp_path / "others", tmp_path / "compiled-others")
    shutil.copyfile(tmp_path / "compiled-others" / MADE_FROM, tmp_path / "compiled" / MADE_FROM)
    files = {path.name: path.read_bytes() for path in SHIPPED.iterdir() if path.is_file() and path.suffix != ".md"}
    site = SiteInfo(
        title="A <&\"'>", registry="a", base_url="", index_url="", assets=dict.fromkeys(
            ("theme.js", "site.js", "crate.js", "compare.js", "search.js", "icon.svg", "site.css"), "x"
        ),
    )  # fmt: skip
    folders = (str(tmp_path / "nowhere"), str(tmp_path / "compiled"))
    compiled = Templates(Theme(files={**files, "404.html": b"not looked at"}, compiled=folders), site)
    texts = Templates(Theme(files=files), site)
    assert compiled.render("404.html", "404.html", {}) == texts.render("404.html", "404.html", {})
    assert not any(name.startswith("_jinja2") for name in sys.modules), "a weak reference fails whoever looks at all"


def test_templates_compiled_from_others_or_by_another_jinja_are_ignored(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "templates")
    compile_folder(tmp_path / "templates", tmp_path / "compiled")
    texts = {path.name: path.read_text() for path in SHIPPED.iterdir() if path.suffix in {".html", ".xml"}}
    assert are_made_from(tmp_path / "compiled", texts)
    assert not are_made_from(tmp_path / "compiled", {**texts, "base.html": "other"})
    assert not are_made_from(tmp_path / "templates", texts)
    marker = tmp_path / "compiled" / MADE_FROM
    marker.write_text(marker.read_text().replace('"jinja2": "', '"jinja2": "0.'))
    assert not are_made_from(tmp_path / "compiled", texts)


def test_a_compiled_template_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/here.html").write_text("{{ name }}")
    compile_folder(tmp_path / "templates", tmp_path / "compiled")
    environment = jinja2.Environment(loader=CompiledLoader(tmp_path / "compiled"), autoescape=True)
    assert environment.get_template("here.html").render(name="<b>") == "&lt;b&gt;"
    with pytest.raises(jinja2.TemplateNotFound):
        environment.get_template("gone.html")
