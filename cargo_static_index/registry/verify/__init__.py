"""Looking at a whole tree, and saying what is wrong with it."""
