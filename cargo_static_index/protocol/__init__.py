"""Cargo's registry protocol as values: text and bytes in, values out, and back. No file, socket or clock."""
