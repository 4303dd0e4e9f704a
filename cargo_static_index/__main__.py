"""Where the program starts."""

import gc
import os
import sys
from contextlib import suppress

_codes: list[int] = []
"""The exit code, once it is known."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    _register_end()
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
    _codes.append(code)
    sys.exit(code)


def _register_end() -> None:
    """Have the process end before every module is taken apart, which takes up to a tenth of a command's time.

    What is registered first is called last: then all threads have ended, and all that others registered is done. Where
    somebody may have registered something before us, as what measures coverage does, Python ends as usual.
    """
    if "atexit" not in sys.modules:
        import atexit

        atexit.register(_end)


def _end() -> None:
    with suppress(OSError, ValueError):  # a stream that cannot be written: Python says so in its own way
        sys.stdout.flush()
        sys.stderr.flush()
        if _codes:
            os._exit(_codes[0])


if __name__ == "__main__":
    main()
