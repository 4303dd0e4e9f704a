"""The command line. It translates: options to calls of the library, what the library says to text, JSON and exit codes.

`app` is the program with its table of commands, `options` and `run` are what all commands share, `terminal` and
`formats` are what they print; the other modules hold the commands, each imported only when it is run.
"""
