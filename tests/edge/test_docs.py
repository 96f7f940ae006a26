"""Swagger UI in a real browser: it loads from this server alone, and "Try it out" calls the API."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import APIRouter
from playwright.async_api import async_playwright

from kalends import pages
from kalends.app import App
from kalends.edge import web
from kalends.edge.auth import Scheduling
from kalends.storage.buckets import RateLimit
from tests.edge.conftest import Acme

router = APIRouter(prefix="/v4", tags=["Thing V4"])


@router.get("/thing")
async def thing(actor: Scheduling) -> dict[str, str]:
    """Show who acts."""
    return {"user": str(actor.user_id)}


@pytest.fixture
async def origin(app: App) -> AsyncIterator[str]:
    """Serve the application on a free port."""
    made = web.create(app, routers=[router], limits=RateLimit(100, 200))
    pages.mount(made)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(made, lifespan="off", log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


async def test_swagger_ui_works_offline_and_tries_it_out(origin: str, acme: Acme) -> None:
    async with async_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))

        await page.goto(f"{origin}/docs")
        await page.click("button.authorize")
        await page.locator(".auth-container input").first.fill(acme.token)
        await page.locator(".auth-container button.authorize").first.click()
        await page.click("button.btn-done")
        await page.click(".opblock-summary-control")
        await page.click("button.execute")
        answer = await page.locator(".live-responses-table .highlight-code").first.inner_text()
        await browser.close()

    assert str(acme.owner_id) in answer
    assert complaints == []
    assert [url for url in asked if not url.startswith((origin, "data:"))] == []
