"""What a watcher says to the service manager that started it: that it is ready, how it is, that it lives.

sd_notify(3): datagrams of `NAME=value` lines to the socket that $NOTIFY_SOCKET names.
"""

import socket
from contextlib import suppress

from cargo_static_index.registry.watch.health import Health


class ServiceManager:
    """Tells the service manager at `address`; a process that says nothing for $WATCHDOG_USEC is taken for hung."""

    def __init__(self, address: str) -> None:
        # sd_notify(3): "@" stands for the NUL byte with which the names of abstract sockets begin.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._ready = False
        self._said = ""

    def __call__(self, health: Health) -> None:
        """Say that it lives, that it is ready once all that was there is published, and how it is when that changes."""
        says = [f"STATUS={_status(health)}"]
        if health.last_look is not None and not self._ready:
            self._ready = True
            says.append("READY=1")
        text = "\n".join(says)
        self._send("WATCHDOG=1" if text == self._said else f"{text}\nWATCHDOG=1")
        self._said = text

    def stopping(self) -> None:
        """Say that it ends."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        # Whoever listened may be gone; that is no reason to end.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.sendto(text.encode(), self._address)


def _status(health: Health) -> str:
    if health.failure is not None and health.fails:
        return health.failure.message.replace("\n", " ")
    how = "by events" if health.mode == "events" else "by looking"
    return f"watching {how}, {health.waiting_files} waiting" if health.last_look is not None else "the first build"
