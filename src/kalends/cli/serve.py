"""`kalends serve`: API, booking pages and worker, in one process or several."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from kalends import bootstrap, settings
from kalends.settings import Settings

from . import database, welcome
from .database import Database
from .failures import CommandFailed


class Role(StrEnum):
    """Which parts this machine runs."""

    ALL = "all"
    API = "api"
    WORKER = "worker"


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at; else KALENDS_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; else KALENDS_PORT.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes that answer requests.")] = 1,
    role: Annotated[Role, typer.Option(help="Which parts to run.")] = Role.ALL,
    first_run: Annotated[bool, typer.Option(help="Make a company to try things with, if there is none.")] = False,
    reload: Annotated[bool, typer.Option(help="Start again when the program changes; for development.")] = False,
) -> None:
    """Answer requests and do the jobs until stopped; starts and migrates the embedded database by itself."""
    configured = settings.load()
    configured = configured.listening_at(host or configured.host, configured.port if port is None else port)
    for name in settings.unknown_names():
        print(f"{name} is no setting of kalends and has no effect.", file=sys.stderr)
    if reload:
        _reload(configured)
        return
    listener = None if role is Role.WORKER else listen(configured.host, configured.port)
    if listener is not None:
        configured = configured.listening_at(configured.host, listener.getsockname()[1])
    bootstrap.configure_logs(configured)
    bootstrap.secret_box(configured).seal(b"")  # a key that cannot be had is found out now, not by the first guest
    with database.running(configured) as server:
        applied = database.migrate(server.conninfo)
        if applied:
            print(f"Database migrated: {', '.join(applied)}.", flush=True)
        text = "The worker is running."
        if listener is not None:
            text = welcome.text(configured, server.conninfo, first_run=first_run)
        _run(configured, server, listener, processes, role, text)


def _run(
    configured: Settings, server: Database, listener: socket.socket | None, processes: int, role: Role, text: str
) -> None:
    # Imported here: they bring the web server, which the other commands do without.
    from . import process, supervisor
    from .process import Plan

    ready: Callable[[], None] = partial(print, text, flush=True)
    worker = role is not Role.API
    if processes == 1:
        process.run(configured, server, Plan(listener, worker, alone=True, ready=ready))
        return
    plans = []
    if listener is not None:
        plans = [Plan(listener, False, alone=False) for _ in range(processes)]
    if worker:
        plans += [Plan(None, True, alone=False) for _ in range(processes if listener is None else 1)]
    plans[0] = replace(plans[0], ready=ready)
    supervisor.Supervisor(server, [partial(process.run, configured, server, plan) for plan in plans]).run()


def listen(host: str, port: int) -> socket.socket:
    """Open the socket that all processes share; who connects before the first of them is ready waits for it.

    Raises:
        CommandFailed: the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # the address is ours from here on: two that start at once could both bind it
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandFailed(
                f"Port {port} at {host} is in use: stop the other program, or choose another port with --port or "
                "KALENDS_PORT."
            ) from error
        raise CommandFailed(
            f"Nothing can listen at {host}, port {port} ({error.strerror}): choose another address with --host or "
            "KALENDS_HOST."
        ) from error
    return listener


def _reload(configured: Settings) -> None:
    from . import reload

    arguments = [argument for argument in sys.argv[1:] if argument != "--reload"]
    with database.running(configured):  # held here, so that it is not stopped and started with every change
        reload.run(arguments)
