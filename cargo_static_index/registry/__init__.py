"""All that changes or judges a tree: a transaction, the build from drop directory to line and page, verify, status."""
