"""The OpenAPI document: what FastAPI derives from the routes, made to say what the contract says."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

INFO: dict[str, Any] = {"title": "kalends", "version": "4"}


def install(web: FastAPI) -> None:
    """Make `web.openapi()` answer the finished document."""
