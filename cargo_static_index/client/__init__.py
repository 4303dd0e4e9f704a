"""Other registries, ours or not, as cargo meets them: its configuration, its requests, publishing to them."""
