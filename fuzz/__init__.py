"""Coverage-guided fuzzing (atheris) of all that reads what strangers write; `python -m fuzz --help` says how."""
