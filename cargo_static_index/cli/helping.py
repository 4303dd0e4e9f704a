"""The commands that explain: explain, check-settings, help, generate-shell-completion."""
