"""The `kalends` command: one file for each of its commands."""

import signal
from types import FrameType

import typer

from . import calendar, doctor, failures, init, key, migrate, openapi, schema, secrets, serve, token

commands = typer.Typer(
    name="kalends",
    help="Open scheduling infrastructure: an API, booking pages and invitations from one server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
commands.command("serve")(serve.serve)
commands.command("init")(init.init)
commands.add_typer(key.commands, name="key")
commands.add_typer(token.commands, name="token")
commands.add_typer(calendar.commands, name="calendar")
commands.add_typer(secrets.commands, name="secrets")
commands.command("migrate")(migrate.migrate)
commands.command("doctor")(doctor.doctor)
commands.command("openapi")(openapi.openapi)
commands.command("schema", hidden=True)(schema.schema)


def main() -> None:
    """Run one command and end the process: 0 when done, 1 when it could not be, 2 for wrong settings or usage."""
    for one in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(one) is signal.SIG_DFL:  # not a hang-up that whoever started us wants ignored (nohup)
            signal.signal(one, _unwind)
    try:
        commands()
    except Exception as error:
        failures.leave(error)


def _unwind(number: int, _frame: FrameType | None) -> None:
    # What is held is let go as after Ctrl-C: the embedded server is stopped. `serve` has ways of its own once it runs.
    raise SystemExit(128 + number)
