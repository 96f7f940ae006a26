"""`kalends token`: personal tokens, which act as one user."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from kalends.app import App
from kalends.services import credentials
from kalends.storage.credentials import Credential

from . import shown, working
from .key import Json, apply, show

commands = typer.Typer(help="Personal tokens: they act as one user.", no_args_is_help=True)

UserOption = Annotated[str | None, typer.Option(help="E-mail address of the user; else the owner.")]


@commands.command()
def create(
    name: Annotated[str, typer.Option(help="What the token is for; unique among the user's.")],
    user: UserOption = None,
    scope: Annotated[list[str] | None, typer.Option(help="What it may do, repeatable; none: everything.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=9999, help="Days it is valid; else for ever.")] = None,
    json: Json = False,
) -> None:
    """Make a token and print it; it is shown only now."""

    async def work(app: App) -> tuple[Credential, str]:
        async with app.transaction() as conn:
            found, now = await working.user(conn, user), app.now()
            return await credentials.create_token(
                conn,
                company_id=found.company_id,
                user_id=found.id,
                name=name,
                scopes=scope or (),
                expires_at=now.add(hours=24 * days) if days else None,
                now=now,
            )

    made, plain = working.run(work)
    shown.created(made, plain, json=json)


@commands.command("list")
def list_(json: Json = False) -> None:
    """List the tokens that are not revoked, of all users."""
    show("token", json)


@commands.command()
def revoke(
    token_id: Annotated[UUID, typer.Argument(help="The token's id, as `kalends token list` shows it.")],
    json: Json = False,
) -> None:
    """End a token for good."""
    apply(
        lambda conn, company_id, now: credentials.revoke(
            conn, company_id=company_id, kind="token", credential_id=token_id, now=now
        ),
        json,
    )
