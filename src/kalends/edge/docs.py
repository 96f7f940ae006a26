"""Swagger UI, served from our own files: it works offline, and no page loads anything from another host."""

from __future__ import annotations

import asyncio
import json

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import HTMLResponse, Response

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kalends API</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/swagger-ui/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/static/swagger-ui/swagger-ui-bundle.js"></script>
<script src="/static/swagger-ui/swagger-ui-standalone-preset.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
# A file of its own, because the content security policy allows no inline script.
_START = """window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: "BaseLayout",
  validatorUrl: null,
});
"""


@router.get("/docs")
@router.get("/spec/v2")
async def page() -> Response:
    """Show the API's operations, to read and to try."""
    return HTMLResponse(_PAGE)


@router.get("/docs/start.js")
async def start() -> Response:
    """Start Swagger UI on the page."""
    return Response(_START, media_type="text/javascript")


@router.get("/openapi.json")
async def document(request: Request) -> Response:
    """Answer the OpenAPI document."""
    kept = request.app.state
    if not hasattr(kept, "openapi_json"):
        # Its making takes some tenths of a second, which must not hold up everybody else; nor must the next ones.
        kept.openapi_json = await asyncio.to_thread(_encoded, request.app)
    return Response(kept.openapi_json, media_type="application/json")


def _encoded(web: FastAPI) -> bytes:
    return json.dumps(web.openapi(), ensure_ascii=False, separators=(",", ":")).encode()
