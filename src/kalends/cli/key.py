"""`kalends key`: platform keys, which speak for the whole company."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import typer
from whenever import Instant

from kalends.app import App
from kalends.services import credentials
from kalends.storage.credentials import Credential, Kind
from kalends.storage.database import Connection

from . import shown, working

commands = typer.Typer(help="Platform keys: they speak for the whole company.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
KeyId = Annotated[UUID, typer.Argument(help="The key's id, as `kalends key list` shows it.")]
Change = Callable[[Connection, UUID, Instant], Awaitable[Credential]]


@commands.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for.")] = "API",
    days: Annotated[int, typer.Option(help="How many days it is valid, 1 to 90.")] = 90,
    json: Json = False,
) -> None:
    """Make a key and print it; it is shown only now."""

    async def work(app: App) -> tuple[Credential, str]:
        async with app.transaction() as conn:
            company_id = await working.company_id(conn)
            return await credentials.create_key(conn, company_id=company_id, name=name, days=days, now=app.now())

    made, plain = working.run(work)
    shown.created(made, plain, json=json)


@commands.command("list")
def list_(json: Json = False) -> None:
    """List the keys that are not revoked."""
    show("key", json)


@commands.command()
def deactivate(key_id: KeyId, json: Json = False) -> None:
    """Switch a key off; requests with it answer 401 until it is activated."""
    apply(
        lambda conn, company_id, now: credentials.deactivate(conn, company_id=company_id, key_id=key_id, now=now), json
    )


@commands.command()
def activate(key_id: KeyId, json: Json = False) -> None:
    """Switch a key on again; its expiry stays."""
    apply(lambda conn, company_id, now: credentials.activate(conn, company_id=company_id, key_id=key_id), json)


@commands.command()
def revoke(key_id: KeyId, json: Json = False) -> None:
    """End a key for good."""
    apply(
        lambda conn, company_id, now: credentials.revoke(
            conn, company_id=company_id, kind="key", credential_id=key_id, now=now
        ),
        json,
    )


def show(kind: Kind, json: bool) -> None:
    """Print the company's keys or tokens that are not revoked."""

    async def work(app: App) -> list[Credential]:
        async with app.reading() as conn:
            return await credentials.list_(conn, company_id=await working.company_id(conn), kind=kind)

    shown.listed(working.run(work), now=Instant.now(), json=json)


def apply(change: Change, json: bool) -> None:
    """Change a key or token of the company, and print what it has become."""

    async def work(app: App) -> Credential:
        async with app.transaction() as conn:
            return await change(conn, await working.company_id(conn), app.now())

    shown.changed(working.run(work), now=Instant.now(), json=json)
