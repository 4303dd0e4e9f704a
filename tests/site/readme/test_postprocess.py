"""The last touches to a README's HTML, after all that is not allowed is gone."""

from cargo_static_index.site.readme.markdown import render_readme
from cargo_static_index.site.readme.text import ReadmeSource, Rendered


def rendered(text: str) -> Rendered:
    return render_readme(ReadmeSource(text=text, path="README.md"))


def test_a_heading_in_a_heading_is_part_of_it_and_leads_nowhere_by_itself() -> None:
    page = rendered("<h1><div>Outer <h2>inner</h2></div> end</h1>\n")
    assert [heading.text for heading in page.headings] == ["Outer inner end"]
    assert page.html.count('class="anchor"') == 1
    assert page.html.count("</h") == 2
