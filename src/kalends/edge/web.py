"""Put the web application together: routes, failures, headers, health."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.telemetry import TelemetryConfig

from kalends.app import App
from kalends.storage.buckets import RateLimit

from . import docs, health, openapi, problems
from .etags import ETags
from .express import Endpoint, Express
from .idempotency import Idempotency
from .limits import Proxies
from .requests import Requests

# The framework's own would tell whole paths and queries of requests, and secrets stand in paths.
_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


class Web(FastAPI):
    """The application, whose OpenAPI document is ours."""

    def openapi(self) -> dict[str, Any]:
        """Answer the finished document, made once."""
        if self.openapi_schema is None:
            openapi.finish(self, super().openapi())
        assert self.openapi_schema is not None
        return self.openapi_schema


def create(
    app: App,
    *,
    routers: Sequence[APIRouter],
    limits: RateLimit,
    trusted_proxies: Sequence[str] = (),
    express: Sequence[Endpoint] = (),
) -> FastAPI:
    """Make the ASGI application that serves the routers; its lifespan opens and closes the App.

    Args:
        routers: in this order, so catch-all pages come last.
        limits: of each credential; unknown credentials share such a bucket per client address.
        trusted_proxies: addresses and networks whose `X-Forwarded-For` is believed.
        express: functions of routes whose plain requests skip the framework (edge/express.py).
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await app.open()
        deque(iter_route_contexts(web.routes), maxlen=0)  # made when first asked for: not by the first guest
        try:
            yield
        finally:
            await app.aclose()

    web = Web(
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_TELEMETRY,
        **openapi.INFO,
    )
    web.state.kalends = app
    web.state.limits = limits
    web.state.proxies = Proxies(trusted_proxies)
    problems.install(web)
    chosen = [
        one for router in routers for one in router.routes if isinstance(one, APIRoute) and one.endpoint in express
    ]
    web.add_middleware(Express, routes=chosen)
    for layer in (Idempotency, ETags, Requests):  # from the innermost
        web.add_middleware(layer)
    for router in (health.router, docs.router, *routers):
        web.include_router(router)
    return web
