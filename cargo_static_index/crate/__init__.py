"""One `.crate` archive: bytes in, metadata and problems out."""
