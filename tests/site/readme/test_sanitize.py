"""What is let through of a README's HTML, and where its addresses may lead."""

import pytest

from cargo_static_index.site.readme.markdown import render_readme
from cargo_static_index.site.readme.text import ReadmeSource


def html_of(text: str) -> str:
    return render_readme(ReadmeSource(text=text, path="README.md")).html


@pytest.mark.parametrize(
    ("address", "led"),
    [
        ("https://a.example/b", True),
        ("mailto:a@b.example", True),
        ("http://[a.example/", False),
        ("//a.example/b", True),
        ("//[a.example/b", False),
        ("https:///nowhere", False),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
    ],
)
def test_an_address_that_leads_to_no_place_that_is_allowed_leads_nowhere(address: str, led: bool) -> None:
    html = html_of(f'<a href="{address}">there</a>')
    assert ("href=" in html) is led
    assert "there" in html


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://a.example/b.png", True),
        ("http://a.example/b.png", False),
        ("//a]/b.png", False),
        ("//a.example/b.png", True),
    ],
)
def test_an_image_is_asked_of_others_only_where_nobody_reads_along(address: str, shown: bool) -> None:
    assert ("src=" in html_of(f'<img src="{address}" alt="there">')) is shown
