"""The pages for people and programs, made from the index file as read back and the metadata.

Values in, bytes out: what to write when is decided in `registry.site`, and nothing here knows a store or a clock.
"""
