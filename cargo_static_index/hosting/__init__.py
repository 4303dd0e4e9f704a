"""Configurations of the servers and hosts that serve a tree: values in, text out."""
