"""The scripts that make shells complete commands: each asks this program what could follow."""

from collections.abc import Mapping

from cargo_static_index.cli.app import COMPLETION

_SCRIPTS: Mapping[str, str] = {
    "bash": f"""\
_cargo_static_index() {{
    local IFS=$'\\n'
    COMPREPLY=($(COMP_WORDS="${{COMP_WORDS[*]}}" COMP_CWORD=$COMP_CWORD {COMPLETION}=complete_bash "$1"))
}}
complete -o default -F _cargo_static_index cargo-static-index
""",
    "zsh": f"""\
#compdef cargo-static-index
_cargo_static_index() {{
    eval $(_TYPER_COMPLETE_ARGS="${{words[1,$CURRENT]}}" {COMPLETION}=complete_zsh cargo-static-index)
}}
compdef _cargo_static_index cargo-static-index
""",
    "fish": f"""\
function __cargo_static_index
    env {COMPLETION}=complete_fish _TYPER_COMPLETE_FISH_ACTION=$argv[1] \\
        _TYPER_COMPLETE_ARGS=(commandline -cp) cargo-static-index
end
complete --command cargo-static-index --no-files \\
    --condition '__cargo_static_index is-args' --arguments '(__cargo_static_index get-args)'
""",
}


def script_for(shell: str) -> str:
    """Give the script for `bash`, `zsh` or `fish`, without its last line's end."""
    return _SCRIPTS[shell].rstrip("\n")
