"""What a verb stands on: a free port, a database that answers, Django set up."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from transferase.cli.speaking import Unable


def require_free_port(host: str, port: int) -> None:
    """Let a port pass that can be listened on, or say why it cannot."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Unable(f"Port {port} is in use: choose another with --port.") from error
        raise Unable(f"Cannot listen on {host}:{port} ({error.strerror}): choose another with --port.") from error


@contextmanager
def database() -> Iterator[None]:
    """A database that answers, for as long as the verb runs; Django is set up for it.

    With DATABASE_URL that server; else our own, which the settings start and the last process that ends stops.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "transferase.settings")
    import django  # noqa: PLC0415 - slow

    django.setup()
    yield
