"""Texts of crates as HTML: Markdown, what is kept of HTML, coloured code, changelogs."""
