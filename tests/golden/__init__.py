"""Trees as released versions wrote them, each in a folder named for its version; they are never made anew.

`python -m tests.golden` writes the tree of the version that is checked out, where there is none of it yet.
`formats` has trees, less their pages and assets, that commits between two versions wrote before a document changed.
"""
