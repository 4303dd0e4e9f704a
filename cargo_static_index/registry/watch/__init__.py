"""Watch mode: keeping a drop directory published. Events only say when to look; what is there is said by the scan."""
