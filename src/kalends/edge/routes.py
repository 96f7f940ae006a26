"""What is known about the route a request met: its template, its methods, who guards it."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.requests import Request

from .auth import Guard

# Nothing but JSON is answered at and below these (contract 6.6).
API_ROOTS = (
    "/v4", "/webhooks", "/crm", "/availability", "/data-field", "/company", "/knowledge", "/web-chat",
)  # fmt: skip


def is_api(path: str) -> bool:
    """Tell whether a path belongs to the API."""
    return below(path, API_ROOTS)


def below(path: str, roots: tuple[str, ...]) -> bool:
    """Tell whether a path is one of the roots or lies below one."""
    return path in roots or path.startswith(_opened(roots))


@cache
def _opened(roots: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(root + "/" for root in roots)


def template_of(request: Request) -> str | None:
    """Name the route a request met, such as ``/v4/user/{id}``; None when there is none.

    A path never stands in a log: secrets and names do, in paths.
    """
    found = getattr(_route(request), "path_format", None)
    return str(found) if found else None


def guard_of(request: Request) -> Guard | None:
    """Find the guard of the route a request met; None for an open route."""
    return guard_in(getattr(_route(request), "dependant", None))


def guard_in(dependant: Dependant | None) -> Guard | None:
    """Find the guard among a route's dependencies."""
    calls = (dependency.call for dependency in (dependant.dependencies if dependant else ()))
    return next((call for call in calls if isinstance(call, Guard)), None)


def methods_at(web: FastAPI, path: str) -> list[str]:
    """List the methods that routes answer at this path; pages' catch-all routes do not count below the API."""
    found: set[str] = set()
    for context in iter_route_contexts(web.routes):
        template = context.path_format or ""
        if context.methods and is_api(template) == is_api(path) and context.path_regex.match(path):
            found |= context.methods
    if "GET" in found:
        found.add("HEAD")  # edge/requests.py answers it
    return sorted(found)


def _route(request: Request) -> Any:
    # Included routers leave the route with its whole prefix in a place of their own.
    return request.scope.get("fastapi", {}).get("effective_route_context") or request.scope.get("route")
