"""The published tree as values: where files lie, tree.json and tombstones, and what publishing changes."""
