"""How shells complete commands: each has a script that asks this program what could follow."""

import os
import sys
from collections.abc import Mapping

import click
from click.shell_completion import ShellComplete

from cargo_static_index.cli.app import COMPLETION, PROGRAM

_SCRIPTS: Mapping[str, str] = {
    "bash": f"""\
_cargo_static_index() {{
    local IFS=$'\\n'
    COMPREPLY=($(COMP_WORDS="${{COMP_WORDS[*]:1:COMP_CWORD}}" {COMPLETION}=bash "$1"))
}}
complete -o default -F _cargo_static_index cargo-static-index
""",
    "zsh": f"""\
#compdef cargo-static-index
_cargo_static_index() {{
    local -a found
    found=("${{(@f)$(COMP_WORDS="${{(pj:\\n:)words[2,CURRENT]}}" {COMPLETION}=zsh cargo-static-index)}}")
    if [[ -n $found ]]; then _describe -V cargo-static-index found; else _files; fi
}}
compdef _cargo_static_index cargo-static-index
""",
    "fish": f"""\
function __cargo_static_index
    set -lx COMP_WORDS (string join \\n -- (commandline -opc)[2..] (commandline -ct) | string collect --allow-empty)
    set -l found ({COMPLETION}=fish cargo-static-index)
    and string join \\n -- $found
    or __fish_complete_path (commandline -ct)
end
complete --command cargo-static-index --no-files --arguments '(__cargo_static_index)'
""",
}
"""Each gives the words behind the program's name, up to the cursor and a line each, in COMP_WORDS."""


def script_for(shell: str) -> str:
    """Give the script for `bash`, `zsh` or `fish`, without its last line's end."""
    return _SCRIPTS[shell].rstrip("\n")


def complete(program: click.Command, shell: str) -> int:
    """Print what could stand where the last word stands, a line each, as the shell's script reads it.

    The exit code is 1 where nothing of ours could, and the shell is to offer files.
    """
    *words, last = os.environ.get("COMP_WORDS", "").split("\n")
    found = ShellComplete(program, {}, PROGRAM, COMPLETION).get_completions(words, last)
    lines = [_line(shell, item.value, item.help or "") for item in found if item.type == "plain"]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0 if lines else 1


def _line(shell: str, value: str, says: str) -> str:
    """Give a word, with what is said of it where the shell shows that."""
    if shell == "bash" or not says:
        return value.replace(":", "\\:") if shell == "zsh" else value
    return f"{value.replace(':', chr(92) + ':')}:{says}" if shell == "zsh" else f"{value}\t{' '.join(says.split())}"
