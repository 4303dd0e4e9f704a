"""Turns a folder of .crate files into a complete Cargo registry made of plain files."""

__version__ = "0.1.0"
