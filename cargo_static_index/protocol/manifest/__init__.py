"""Cargo.toml: what cargo and crates.io make of it."""
