"""Health for load balancers and operators."""

from __future__ import annotations

import asyncio

import psycopg
from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from kalends.app import App
from kalends.errors import Unavailable
from kalends.storage import jobs, migrations

from .context import AppDep

router = APIRouter(include_in_schema=False)


class NotReady(Unavailable):
    """The database is away or does not have the newest migrations."""

    code = "not-ready"


@router.get("/healthz")
async def alive() -> Response:
    """Say that the process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
async def ready(app: AppDep) -> Response:
    """Say whether requests can be served: the database answers and its schema is this program's.

    That no worker runs is told beside it: mails and calendars then wait, but whoever books is served.
    """
    return JSONResponse({"status": "ok", "worker": "ok" if await check(app) else "absent"})


async def check(app: App) -> bool:
    """Make sure that requests can be served; answers whether somebody does the jobs.

    Raises:
        NotReady: the database is away, or not migrated to the newest revision.
    """
    newest = await asyncio.to_thread(migrations.newest)
    try:
        async with app.reading() as conn:
            row = await (await conn.execute("SELECT version_num FROM alembic_version")).fetchone()
            worked = await jobs.are_worked(conn)
    except psycopg.errors.UndefinedTable as error:
        raise NotReady from error
    if row is None or row[0] != newest:
        raise NotReady
    return worked
