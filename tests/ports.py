"""Ports for servers that cannot choose one themselves."""

import random
import socket


def free() -> int:
    """Find a port nobody listens on.

    Below those that systems give to outgoing connections, one of which could take it before the server does.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
