"""The pages of a tree: which to write, when, and from what."""
