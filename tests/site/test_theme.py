"""What the pages of a registry look like: when they are to be made anew because of it."""

from msgspec.structs import fields, replace

from cargo_static_index.site.theme import SiteInfo, Theme, fingerprint_of

SITE = SiteInfo(
    title="Acme", registry="acme", base_url="https://a.example/", index_url="sparse+https://a.example/index/"
)
THEME = Theme(files={"base.html": b"<p>", "assets/site.css": b"p{}"})


def test_other_names_in_the_code_remake_nobodys_pages() -> None:
    found = fingerprint_of(THEME, SITE, "renderer 1")
    assert found == "b9e19d1ad8e38ed3369ed97c91707f9a1229d0dcf90eb1c3e24364e69e2dbd76"


def test_all_that_pages_show_of_the_settings_remakes_them() -> None:
    before = fingerprint_of(THEME, SITE, "renderer 1")
    for field in fields(SiteInfo):
        if field.name != "assets":  # their names follow from the files
            value = getattr(SITE, field.name)
            other = not value if isinstance(value, bool) else (("a", "b"),) if isinstance(value, tuple) else "other"
            assert fingerprint_of(THEME, replace(SITE, **{field.name: other}), "renderer 1") != before, field.name


def test_all_that_pages_are_made_from_remakes_them() -> None:
    before = fingerprint_of(THEME, SITE, "renderer 1")
    for other in (
        {"files": {"base.html": b"<p>", "assets/site.css": b"p{ }"}},
        {"stylesheet": b"p{}"},
        {"logo": b"<svg/>"},
        {"logo_name": "logo.svg"},
        {"accent": ("#000000", "")},
    ):
        assert fingerprint_of(replace(THEME, **other), SITE, "renderer 1") != before, other
    assert fingerprint_of(THEME, SITE, "renderer 2") != before
