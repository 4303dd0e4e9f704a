"""Rendering READMEs and change logs: those that are not small in a process of its own, which limits end.

What a text holds decides first whether it is rendered (`site.readme.markdown`), alike on every machine. The limits here
are the net under that: no text that is accepted has come near them.
"""

import math
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

import msgspec
from msgspec import Struct

from cargo_static_index.diagnostics.errors import StoreError
from cargo_static_index.site.readme.text import ReadmeSource, Rendered

if TYPE_CHECKING:  # loaded with the first text that is not small
    from subprocess import Popen

SMALL = 16 * 1024
"""Characters of a text that is rendered here: one in a hundred real ones has more."""

SECONDS = 60
"""Of processor time: more than twenty times what the costliest text takes that is accepted (docs/reliability.md)."""

MEMORY = 4 << 30
"""Bytes of address space: more than twenty times what the process ever has with such a text."""

_LENGTH = struct.Struct("<I")
_ENDED_BY_A_LIMIT = frozenset({-signal.SIGXCPU, -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS})
_OUT_OF_MEMORY = 77
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from cargo_static_index.registry.site.rendering import render_requests; render_requests(*map(int, sys.argv[2:]))"
)


class _Answer(Struct, frozen=True, kw_only=True):
    """What the process made of a text, or what went wrong."""

    rendered: Rendered | None = None
    error: str = ""


_encode = msgspec.msgpack.Encoder().encode
_read_source = msgspec.msgpack.Decoder(ReadmeSource).decode
_read_answer = msgspec.msgpack.Decoder(_Answer).decode


class Renderer:
    """Renders texts; the process for those that are not small starts with the first of them."""

    def __init__(self, *, small: int = SMALL, seconds: int = SECONDS, memory: int = MEMORY) -> None:
        self._small = small
        self._limits = (seconds, memory)
        self._process: Popen[bytes] | None = None

    def __call__(self, source: ReadmeSource) -> Rendered | None:
        """Render a text, or give None where it took more time or memory than any text may."""
        if len(source.text) <= self._small:
            from cargo_static_index.site.readme.markdown import render_readme  # noqa: PLC0415 - see above

            return render_readme(source)
        with self._ended_on_error() as process:
            answer = self._ask(process, _encode(source))
        if answer is None:
            self._check_ending()
            return None
        if answer.rendered is None:
            raise RuntimeError(answer.error)
        return answer.rendered

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            _wait(process)

    @contextmanager
    def _ended_on_error(self) -> "Iterator[Popen[bytes]]":
        """Give the process, and end it with whatever ends this one: it may be in the middle of a text."""
        try:
            if self._process is None:
                self._process = self._start()
            yield self._process
        except BaseException:
            self.close()
            raise

    def _start(self) -> "Popen[bytes]":
        import json  # noqa: PLC0415 - see above
        from subprocess import PIPE, Popen  # noqa: PLC0415 - see above

        command = [sys.executable, "-I", "-S", "-c", _PROGRAM, json.dumps(sys.path), *map(str, self._limits)]
        return Popen(command, stdin=PIPE, stdout=PIPE)

    def _ask(self, process: "Popen[bytes]", request: bytes) -> _Answer | None:
        """Send a text and read the answer; None where the process ended over it."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _send(process.stdin, request)
        except BrokenPipeError:
            return None
        content = _receive(process.stdout)
        return None if content is None else _read_answer(content)

    def _check_ending(self) -> None:
        """Raise StoreError where it was no limit that ended the process."""
        process, self._process = self._process, None
        assert process is not None
        _wait(process)
        if process.returncode not in _ENDED_BY_A_LIMIT and process.returncode != _OUT_OF_MEMORY:
            raise StoreError(
                "a process that rendered a README was ended from outside, perhaps for want of memory; run this again"
            )


def _wait(process: "Popen[bytes]") -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
    process.stdout.close()
    process.wait()


def _send(stream: IO[bytes], content: bytes) -> None:
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes | None:
    """Read a message, or give None where the other side is gone."""
    length = stream.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    content = stream.read(*_LENGTH.unpack(length))
    return content if len(content) == _LENGTH.unpack(length)[0] else None


# In the other process --------------------------------------------------------------------------------------


def render_requests(seconds: int, memory: int) -> None:
    """Render what is asked for on the standard input until it ends, each text within so much time and memory."""
    from cargo_static_index.site.readme.markdown import render_readme  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    render_readme(ReadmeSource(text="", path=""))  # what it needs is loaded before memory is limited
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    try:
        while (content := _receive(sys.stdin.buffer)) is not None:
            _limit_time(seconds)
            _send(sys.stdout.buffer, _encode(_answer(content, render_readme)))
    except MemoryError:
        sys.exit(_OUT_OF_MEMORY)


def _limit_time(seconds: int) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(usage.ru_utime + usage.ru_stime) + seconds, hard))


def _answer(content: bytes, render: Callable[[ReadmeSource], Rendered]) -> _Answer:
    try:
        return _Answer(rendered=render(_read_source(content)))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - it is raised where the text was asked for
        return _Answer(error=f"{type(error).__name__}: {error}")
