"""The tree over HTTP, and the publish endpoint beside it: `serve`, and `serve --publish`."""
