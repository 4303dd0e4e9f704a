"""A tree in a bucket of an object store."""
