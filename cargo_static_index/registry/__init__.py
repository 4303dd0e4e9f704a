"""All that changes or judges a tree: a transaction, the pass from drop directory to line and page, verify, status."""
