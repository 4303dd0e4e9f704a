"""Where the program starts."""

import gc
import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # Nothing that is loaded now is garbage, and looking for some costs a tenth of the start; a command turns it on.
    gc.disable()
    from cargo_static_index.cli.app import run_program
    from cargo_static_index.cli.run import code_of
    from cargo_static_index.cli.terminal import Terminal, prepare_streams

    prepare_streams()
    try:
        code = run_program(sys.argv[1:])
    except BaseException as error:  # noqa: BLE001 - whatever was not foreseen ends with a sentence, not a traceback
        code = code_of(error, Terminal())
    sys.exit(code)


if __name__ == "__main__":
    main()
