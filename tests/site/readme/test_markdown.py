"""READMEs as HTML that is safe on our pages. What browsers make of it is in tests/browser/test_hostile.py."""

import re
import subprocess
import sys
import tarfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_static_index.site.readme.images import Images, width_css
from cargo_static_index.site.readme.markdown import LONGEST, render_readme
from cargo_static_index.site.readme.text import Heading, ReadmeSource, Rendered
from cargo_static_index.site.theme import CSP, content_security_policy
from tests.hostile import HOSTILE

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REL = 'rel="nofollow noopener noreferrer"'


def render(source: str, *, repository: str | None = "https://github.com/o/r", images: Images = "all") -> str:
    return render_readme(ReadmeSource(text=source, path="README.md", repository=repository, images=images)).html


# What Markdown becomes


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d</code></p>\n"),
        ("www.example.org", f'<p><a href="http://www.example.org" {REL}>www.example.org</a></p>\n'),
        ("<me@example.org>", f'<p><a href="mailto:me@example.org" {REL}>me@example.org</a></p>\n'),
        ("- [x] a\n- [ ] b", '<ul>\n<li class="task">☑ a</li>\n<li class="task">☐ b</li>\n</ul>\n'),
        (
            "> [!WARNING]\n> a",
            (
                '<div class="markdown-alert markdown-alert-warning">\n'
                '<p class="markdown-alert-title">Warning</p>\n<p>a</p>\n</div>\n'
            ),
        ),
        ("a\n\n: b", "<dl>\n<dt>a</dt>\n<dd>\n<p>b</p>\n</dd>\n</dl>\n"),
        ("---\ntitle: a\n---", "<hr>\n<h2"),
        ("<kbd>a</kbd><sub>b</sub>", "<p><kbd>a</kbd><sub>b</sub></p>\n"),
        ("<details><summary>a</summary>b</details>", "<details><summary>a</summary>b</details>\n"),
        ("<details open>b</details>", '<details open="">b</details>\n'),
        ("<center><tt>a</tt></center>", '<div class="align-center"><code>a</code></div>\n'),
        ('<p align="CENTER">a</p>', '<p class="align-center">a</p>\n'),
        ("a <script>b</script>", "<p>a &lt;script&gt;b&lt;/script&gt;</p>\n"),
        ("<unknown>a</unknown>", "<p>a</p>\n"),
        ("", ""),
        ("\ufeffa", "<p>a</p>\n"),
    ],
)
def test_markdown_is_rendered_as_crates_io_does(source: str, html: str) -> None:
    assert render(source).startswith(html)


def test_a_table_scrolls_by_itself_and_says_with_classes_how_its_cells_stand() -> None:
    assert render("|a|b|\n|:-:|-:|\n|1|2|").replace("\n", "") == (
        '<div class="scroll" role="group" aria-label="Table" tabindex="0"><table><thead><tr>'
        '<th class="align-center">a</th><th class="align-right">b</th></tr></thead><tbody><tr>'
        '<td class="align-center">1</td><td class="align-right">2</td></tr></tbody></table></div>'
    )


def test_footnotes_lead_to_their_text_and_back() -> None:
    html = render("a[^n]\n\n[^n]: b")

    assert '<sup class="footnote-ref"><a href="#user-content-fn-n" id="user-content-fnref-n">1</a></sup>' in html
    assert '<li id="user-content-fn-n">' in html
    assert '<a href="#user-content-fnref-n" class="footnote-backref" aria-label="Back to reference 1">↩</a>' in html


@pytest.mark.parametrize("label", ["plain", "größe", "注", "a&b", "it's", "50%", 'a"b', "a<b", "x" * 400])
def test_both_links_of_a_footnote_lead_to_each_other_whatever_its_label(label: str) -> None:
    html = render(f"a[^{label}]\n\n[^{label}]: b")
    there, back = re.findall(r'<a href="#([^"]*)"', html)
    assert re.findall(r'<li id="([^"]*)"', html) == [there]
    assert re.findall(r'<a [^>]*id="([^"]*)"', html) == [back]
    assert there != back


def test_a_width_in_percent_is_that_of_the_column() -> None:
    html = render('<img src="https://a.example/x" width="25%" align=left> <img src="https://a.example/x" width=33.4%>')
    assert re.findall(r'class="([^"]*)"', html) == ["align-left w-25", "w-33"]
    assert "width=" not in html
    assert ".w-33{width:33%}" in width_css()


def test_in_the_middle_stands_an_image_beside_its_line_and_a_text_in_its_column() -> None:
    html = render('<img src="https://a.example/x" align="middle"> b\n\n<p align="middle">a</p>')
    assert re.findall(r'<(?:img|p)[^>]*class="([^"]*)"', html) == ["align-middle", "align-center"]


@pytest.mark.parametrize(
    ("info", "begins"),
    [
        ("rust", '<span class="c-k">let </span>'),
        ("rust,no_run", '<span class="c-k">let </span>'),
        ("rust ignore", '<span class="c-k">let </span>'),
        ("no_run", '<span class="c-k">let </span>'),
        ("", "let x"),
        ("text", "let x"),
        ("nothing-we-know", "let x"),
    ],
)
def test_code_is_coloured_by_its_info_string(info: str, begins: str) -> None:
    html = render(f"```{info}\nlet x = 1;\n```")
    kept = f' class="language-{info.partition(" ")[0]}"' if info else ""
    assert html.startswith(f'<pre tabindex="0"><code{kept}>{begins}')


def test_a_readme_may_colour_code_of_its_own_html_too() -> None:
    html = render('<pre><code class="language-rust">let x = &amp;y;</code></pre>')

    assert (
        html == '<pre tabindex="0"><code class="language-rust"><span class="c-k">let </span>x = &amp;y;</code></pre>\n'
    )


@pytest.mark.parametrize("path", ["README", "README.md", "readme.MARKDOWN", "a.b/README", "docs/readme.mkd"])
def test_markdown_is_told_by_the_ending_or_by_none(path: str) -> None:
    assert render_readme(ReadmeSource(text="*a*", path=path)) == Rendered(html="<p><em>a</em></p>\n")


@pytest.mark.parametrize("path", ["README.txt", "README.rst", "README.adoc", "README.org", "README.md.bak"])
def test_any_other_text_is_shown_as_it_is(path: str) -> None:
    source = "\n*a* <script>pwned()</script> &amp;"

    assert render_readme(ReadmeSource(text=source, path=path)) == Rendered(
        html='<pre class="plain" tabindex="0">\n\n*a* &lt;script&gt;pwned()&lt;/script&gt; &amp;amp;</pre>\n',
        plain=True,
    )


# Headings and links inside the page


def test_each_heading_has_an_anchor_of_its_own_that_says_where_it_leads() -> None:
    rendered = render_readme(
        ReadmeSource(
            text='# A & `b` "c"!\n\n## Über uns\n\n## Über uns\n\n<h3 align="center">x <b>y</b></h3>', path="a.md"
        )
    )

    assert rendered.headings == (
        Heading(2, "user-content-a--b-c", 'A & b "c"!'),
        Heading(3, "user-content-über-uns", "Über uns"),
        Heading(3, "user-content-über-uns-1", "Über uns"),
        Heading(4, "user-content-x-y", "x y"),
    )
    assert rendered.html.startswith(
        '<h2 id="user-content-a--b-c">A &amp; <code>b</code> "c"!<a class="anchor" href="#user-content-a--b-c" '
        'aria-label="Link to “A &amp; b &quot;c&quot;!”"></a></h2>\n'
    )
    assert '<h4 class="align-center" id="user-content-x-y">x <b>y</b><a class="anchor"' in rendered.html


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("[a](#the-end)", '<a href="#user-content-the-end">a</a>'),
        ("[a](#The-End)", '<a href="#user-content-the-end">a</a>'),
        ("[a](#user-content-the-end)", '<a href="#user-content-the-end">a</a>'),
        ("[a](#nowhere)", "<a>a</a>"),
        ("[a](#)", "<a>a</a>"),
        ('[a](#Old) <a name="Old">b</a>', '<a href="#user-content-Old">a</a> <a id="user-content-Old">b</a>'),
        ("[a](#%C3%BCber)\n\n# Über", '<a href="#user-content-über">a</a>'),
        ("[](https://example.org)", "<a></a>"),
    ],
)
def test_a_link_inside_the_page_leads_to_what_is_there_or_nowhere(source: str, link: str) -> None:
    assert link in render(f"{source}\n\n# The End")


def test_a_heading_inside_a_link_gets_no_link_of_its_own() -> None:
    html = render('<div><a href="https://example.org"><h1>a</h1></a></div>')

    assert html == f'<div><a href="https://example.org" {REL}><h2 id="user-content-a">a</h2></a></div>\n'


def test_a_heading_that_is_a_picture_is_called_as_its_description_says() -> None:
    assert render_readme(ReadmeSource(text="# ![Logo of foo](a.png)", path="README.md")).headings == (
        Heading(2, "user-content-logo-of-foo", "Logo of foo"),
    )


# Where links and images lead


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("docs/a.md", f"https://github.com/o/r/blob/{COMMIT}/crates/foo/docs/a.md"),
        ("/docs/a.md", f"https://github.com/o/r/blob/{COMMIT}/crates/foo/docs/a.md"),
        ("./a.md#b", f"https://github.com/o/r/blob/{COMMIT}/crates/foo/a.md#b"),
        ("../a.md?plain=1", f"https://github.com/o/r/blob/{COMMIT}/crates/a.md?plain=1"),
        ("../../../../../a", f"https://github.com/o/r/blob/{COMMIT}/a"),
        ("%2e%2E/%2e%2e/%2e%2e/%2e%2e/a", f"https://github.com/o/r/blob/{COMMIT}/a"),
        ("a.png", f"https://github.com/o/r/raw/{COMMIT}/crates/foo/a.png"),
        ("a.svg", f"https://github.com/o/r/raw/{COMMIT}/crates/foo/a.svg?sanitize=true"),
        ("a.svg?raw=true", f"https://github.com/o/r/raw/{COMMIT}/crates/foo/a.svg?raw=true"),
        ("https://example.org/a?b#c", "https://example.org/a?b#c"),
        ("http://example.org", "http://example.org"),
        ("//example.org/a", "https://example.org/a"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        ("ftp://example.org", None),
        ("ssh://example.org", None),
        ("::module::Type", None),
        ("crate::Type", None),
        ("struct.Type.html", f"https://github.com/o/r/blob/{COMMIT}/crates/foo/struct.Type.html"),
        ("?a", None),
    ],
)
def test_a_link_leads_into_the_repository_at_that_commit(link: str, address: str | None) -> None:
    html = render_readme(
        ReadmeSource(
            text=f"[x]({link})",
            path="README.md",
            repository="https://github.com/o/r",
            path_in_vcs="crates/foo",
            commit=COMMIT,
        )
    ).html

    if address is None:
        assert "href" not in html
    else:
        assert html == f'<p><a href="{address}" {REL}>x</a></p>\n'


def test_relative_links_start_at_the_folder_of_the_readme() -> None:
    html = render_readme(
        ReadmeSource(text="[x](a.md) [y](../b.md)", path="docs/README.md", repository="https://gitlab.com/o/r")
    ).html

    assert 'href="https://gitlab.com/o/r/-/blob/HEAD/docs/a.md"' in html
    assert 'href="https://gitlab.com/o/r/-/blob/HEAD/b.md"' in html


@pytest.mark.parametrize("repository", [None, "https://example.org/o/r", "javascript:pwned()", "not an address"])
def test_without_a_known_forge_relative_links_and_images_lead_nowhere(repository: str | None) -> None:
    assert render("[x](a.md) ![y](a.png)", repository=repository) == "<p><a>x</a> y</p>\n"


_SEEN: Final = ' loading="lazy" referrerpolicy="no-referrer">'


@pytest.mark.parametrize(
    ("source", "shown", "hidden"),
    [
        (
            "![a b](https://example.org/x.png)",
            f'<img src="https://example.org/x.png" alt="a b"{_SEEN}',
            f'<a href="https://example.org/x.png" {REL}><small class="unseen">a b</small></a>',
        ),
        (
            "![](x)",
            f'<img src="https://github.com/o/r/raw/HEAD/x" alt=""{_SEEN}',
            f'<a href="https://github.com/o/r/raw/HEAD/x" {REL}><small class="unseen">x</small></a>',
        ),
        (
            '<img src="x.png" width="20px" height=10 style="x" border=0>',
            f'<img src="https://github.com/o/r/raw/HEAD/x.png" width="20" height="10" alt=""{_SEEN}',
            f'<a href="https://github.com/o/r/raw/HEAD/x.png" {REL}><small class="unseen">x.png</small></a>',
        ),
        (
            "[![](https://example.org/badge.svg?a)](https://a.example)",
            f'<a href="https://a.example" {REL}><img src="https://example.org/badge.svg?a" alt="badge.svg"{_SEEN}</a>',
            f'<a href="https://a.example" {REL}><small class="unseen">badge.svg</small></a>',
        ),
        ("![a](http://example.org/x.png)", "<p>a</p>", "<p>a</p>"),
        ("![a](data:image/png;base64,AA==)", "<p>a</p>", "<p>a</p>"),
        (
            (
                '<picture><source media="(prefers-color-scheme: dark)" srcset="d.png 2x, https://example.org/e.png">'
                '<img src="https://example.org/x.png" alt="a"></picture>'
            ),
            (
                '<picture><source media="(prefers-color-scheme: dark)" '
                'srcset="https://github.com/o/r/raw/HEAD/d.png 2x, https://example.org/e.png">'
                f'<img src="https://example.org/x.png" alt="a"{_SEEN}</picture>'
            ),
            f'<a href="https://example.org/x.png" {REL}><small class="unseen">a</small></a>',
        ),
    ],
)
def test_images_are_of_https_alone_and_links_where_they_are_off(source: str, shown: str, hidden: str) -> None:
    assert shown in render(source)
    off = render(source, images="none")
    assert hidden in off
    assert not re.search(r"<(?:img|source|picture)\b", off)


def test_a_link_around_an_image_that_is_not_there_leads_nowhere() -> None:
    assert "<a></a>" in render("[![](http://example.org/x.png)](https://example.org)", images="none")


def test_a_cell_that_says_nothing_heads_nothing() -> None:
    assert "<tr>\n<td></td>\n<th>a</th>\n</tr>" in render("| | a |\n|---|---|\n| b | c |\n")


def test_what_stands_for_an_image_says_so_that_it_is_small_in_headings_too() -> None:
    image = "[![CI](https://example.org/ci.svg)](https://ci.example.org)"
    off = render(f"# A crate {image}\n\n{image}\n", images="none")
    assert f'A crate <a href="https://ci.example.org" {REL}><small class="unseen">CI</small></a>' in off
    assert off.count('<small class="unseen">CI</small>') == 2


@pytest.mark.parametrize(
    "source", ["```sh\n{}\n```", "`{}`", "<pre>{}</pre>", "<code>{}</code>", "```rust\n{}\n```", "    {}\n"]
)
def test_characters_that_reorder_code_are_named_and_prose_keeps_them(source: str) -> None:
    html = render("a\u2067b\u2069c\n\n" + source.format("rm \u202e x"))
    assert "a\u2067b\u2069c" in html
    assert "⟨U+202E⟩" in re.sub("<[^>]*>", "", html)
    assert "\u202e" not in html


# Hostile sources

_HARMFUL_TAGS: Final = frozenset(
    (
        "applet area audio base body button canvas datalist dialog embed fieldset form frame frameset head html iframe "
        "input label legend link map math meta meter noscript object optgroup option output param plaintext portal "
        "progress script select slot style svg template textarea title track video xmp"
    ).split()
)
"""Of HTML's elements those that run, load, submit, restyle or take names, or end what the page has begun."""
_HARMFUL_ATTRIBUTES: Final = re.compile(
    "on.+|style|srcdoc|.*action|method|ping|target|download|name|for|form|list|is|slot|part|nonce|background|poster|data|"
    "code.*|archive|http-equiv|content.*|usemap|ismap|xmlns.*|xlink.*|.*:.*|autofocus|accesskey|draggable|popover.*|item.*"
)
"""Attributes that do the same."""
_CLASS = re.compile(
    r"c-[a-z]|align-(?:left|center|right|top|middle|bottom)|w-[0-9]+|anchor|footnote(?:s|-ref|-backref)|task|scroll|plain|unseen|language-.+|"
    r"markdown-alert(?:-(?:title|note|tip|important|warning|caution))?"
)
_VOID: Final = {"br", "col", "hr", "img", "source", "wbr"}


class Audit(HTMLParser):
    """Reads rendered HTML and writes down all that may not be in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.inner: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HARMFUL_TAGS or not re.fullmatch("[a-z]+[1-6]?", tag):
            self.wrong.append(f"<{tag}>")
        if tag not in _VOID:
            self.open.append(tag)
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names) or any(map(_HARMFUL_ATTRIBUTES.fullmatch, names)):
            self.wrong.append(f"<{tag}> with {names}")
        for name, value in attrs:
            if not self._allowed(tag, name, value or ""):
                self.wrong.append(f"<{tag} {name}={value!r}>")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> of nothing")

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.wrong.append(f"<?{data}>")

    def _allowed(self, tag: str, name: str, value: str) -> bool:
        if name == "id":
            self.ids.append(value)
            return value.startswith("user-content-")
        if name == "href" and value.startswith("#"):
            self.inner.append(value[1:])
            return tag == "a"
        if name == "href":
            return tag == "a" and urlsplit(value).scheme in {"http", "https", "mailto", "irc", "ircs", "xmpp", "matrix"}
        if name == "src":
            return tag == "img" and value.startswith("https://")
        if name == "srcset":
            return all(each.strip().startswith("https://") for each in value.split(","))
        return name != "class" or all(_CLASS.fullmatch(each) for each in value.split())


def audit(html: str) -> list[str]:
    """List what is wrong with rendered HTML: what is not allowed, not closed, twice there or led to in vain."""
    reader = Audit()
    reader.feed(html)
    reader.close()
    twice = {name for name in reader.ids if reader.ids.count(name) > 1}
    vain = set(reader.inner) - set(reader.ids)
    return [*reader.wrong, *(f"open: {tag}" for tag in reader.open), *sorted(twice), *sorted(vain)]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("images", ["all", "no-badges", "none"])
def test_of_a_hostile_readme_only_what_is_allowed_is_left(name: str, images: Images) -> None:
    assert audit(render(HOSTILE[name], images=images)) == []


def test_addresses_are_links_until_they_are_too_many_for_the_stack() -> None:
    assert render("Ask a@b.c or https://b.c.").count("<a ") == 2
    many = render("a@b.c " * 40_000)
    assert "a@b.c a@b.c" in many
    assert "<a " not in many


@pytest.mark.parametrize("begin", [">" * 100_000, "- " * 50_000, "> - 1. " * 15_000])
def test_what_is_nested_too_deep_for_every_line_is_shown_as_written(begin: str) -> None:
    """Ten seconds and more without a limit; the test's own is a minute."""
    rendered = render_readme(ReadmeSource(text=begin + "    a\n" * 15_000, path="README.md"))
    assert rendered.plain


def test_quotes_and_lists_may_be_nested() -> None:
    assert render("> - 1. a").startswith("<blockquote>\n<ul>")


def test_a_class_on_what_is_dropped_whole_is_no_error() -> None:
    assert render("<svg class='language-rust'>x</svg>y") == "<p>y</p>\n"


@given(
    st.lists(
        st.one_of(
            st.sampled_from([*HOSTILE.values()]),
            st.sampled_from(
                ["<", ">", '"', "'", "`", "</p>", "<p>", "<a href=x>", "</a>", "<h1>", "</h1>", "\n", "\n\n"]
            ),
            st.sampled_from(
                ["<pre>", "</pre>", "<code class='language-rust'>", "</code>", "<table><tr><td>", "# ", "- "]
            ),
            st.sampled_from(
                ["<img src=x alt=", "<b>", "</b>", "<div align=left>", "<ul><li>", "&lt;", "&#0;", "\0", "]("]
            ),
            st.text(max_size=5),
        ),
        max_size=12,
    )
)
def test_however_hostile_parts_are_put_together_nothing_is_left_that_is_not_allowed(parts: list[str]) -> None:
    assert audit(render("".join(parts))) == []
    assert audit(render("".join(parts), images="none")) == []


@given(st.text())
def test_any_text_becomes_well_formed_html(source: str) -> None:
    assert audit(render(source)) == []


def test_an_alarm_of_these_tests_is_heard() -> None:
    assert audit('<a href="javascript:x" onclick="y"><b></a><script></script><p id="x">') == [
        "<a> with ['href', 'onclick']",
        "<a href='javascript:x'>",
        "</a> of nothing",
        "<script>",
        "<p id='x'>",
        "open: a",
        "open: p",
    ]


def test_a_text_that_is_too_long_is_shown_as_it_is() -> None:
    assert render_readme(ReadmeSource(text="*a*" * LONGEST, path="README.md")).plain


def test_raw_html_that_would_cost_too_much_is_shown_as_text_and_the_markdown_stays() -> None:
    html = render("*a*\n\n" + "<b x>c\n" * 3000)

    assert html.startswith("<p><em>a</em></p>\n<p>&lt;b x&gt;c")


# The laws


def test_the_same_source_is_the_same_html_in_every_process() -> None:
    command = "\n".join(
        (
            "from cargo_static_index.site.readme.markdown import render_readme",
            "from cargo_static_index.site.readme.text import ReadmeSource",
            "from tests.hostile import HOSTILE",
            "for source in HOSTILE.values():",
            "    print(repr(render_readme(ReadmeSource(text=source, path='README.md', repository='https://github.com/o/r'))))",
        )
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", command],
            env={"PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(runs) == 1


def test_the_policy_allows_images_over_https_only_where_they_are_shown() -> None:
    assert content_security_policy(images=True) == CSP
    assert "default-src 'none'; img-src 'self' https:;" in CSP
    assert "default-src 'none'; img-src 'self';" in content_security_policy(images=False)
    assert "unsafe" not in CSP


@pytest.mark.corpus
@pytest.mark.slow
def test_the_readmes_of_real_crates_keep_their_html_and_are_well_formed(corpus_home: Path) -> None:
    wrong = {}
    for archive in sorted(corpus_home.glob("registry/cache/*/*.crate")):
        source = _readme_of(archive)
        rendered = render_readme(ReadmeSource(text=source, path="README.md", repository="https://github.com/o/r"))
        if rendered.plain or (found := audit(rendered.html)):
            wrong[archive.name] = "shown as it is" if rendered.plain else found

    assert wrong == {}


def _readme_of(archive: Path) -> str:
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if re.fullmatch(r"[^/]+/README\.md", member.name) else None
            if content is not None:
                return content.read().decode(errors="replace")
    return ""


# --- what a validator of HTML would not accept


@pytest.mark.parametrize(
    ("levels", "become"),
    [
        ([1, 3, 4, 3, 2, 6], [2, 3, 4, 3, 3, 4]),
        ([4, 5, 1, 2], [2, 3, 2, 3]),
        ([3, 2, 4], [2, 2, 3]),
        ([1, 2, 3, 4, 5, 6, 1], [2, 3, 4, 5, 6, 6, 2]),
    ],
)
def test_headings_stand_below_the_page_s_own_and_no_level_is_left_out(levels: list[int], become: list[int]) -> None:
    source = "\n\n".join(f"{'#' * level} a" for level in levels)
    rendered = render_readme(ReadmeSource(text=source, path="README.md"))
    assert [heading.level for heading in rendered.headings] == become
    assert [int(level) for level in re.findall(r"<h(\d)", rendered.html)] == become
    assert [int(level) for level in re.findall(r"</h(\d)", rendered.html)] == become


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("<li>a</li>\n<li>b</li>", "<ul><li>a</li>\n<li>b</li></ul>"),
        ("<li>a</li>\nand\n<li>b</li>", "<ul><li>a</li></ul>\nand\n<ul><li>b</li></ul>"),
        ("<div><li>a</li></div>", "<div><ul><li>a</li></ul></div>"),
        ("<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>"),
    ],
)
def test_items_of_no_list_get_one(source: str, html: str) -> None:
    assert render(source).strip() == html


def test_a_fragment_holds_no_other_mark_of_one() -> None:
    assert 'href="https://matrix.to/#/%23rust:example.org"' in render("[chat](https://matrix.to/#/#rust:example.org)")


def test_a_text_of_more_tags_than_a_page_opens_quickly_is_shown_as_it_was_written() -> None:
    few, many = (ReadmeSource(text="a\n\n" * number, path="README.md") for number in (1000, LONGEST // 3))
    assert not render_readme(few).plain
    assert render_readme(many).plain


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("a@b.example\n\n" * 10, True),
        ("a@b.example\n\n" * 1001, False),
        (("https://a.example/ " + "x" * 200 + "\n\n") * 510, True),
        ("https://a.example/ " * 510 + "x" * 110_000, False),
    ],
    ids=["some mails", "many mails", "many addresses, each in its paragraph", "many in one"],
)
def test_addresses_become_links_where_that_costs_no_more_than_reading(text: str, linked: bool) -> None:
    html = render_readme(ReadmeSource(text=text, path="README.md")).html
    assert ("<a href=" in html) is linked
