"""A tree in a folder of this machine."""
