"""The express lane: plain requests of chosen routes are answered without the framework's router and solver.

The framework finds out anew for each request which of its routes is meant and what that one takes. Here it is found
out once, from the same declarations, and the same functions are called. Whatever is not plain goes on to the framework,
which has the last word on it: names that are unknown or come twice, values and bodies that do not validate.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any, TypeAlias, get_origin
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant
from fastapi.params import Body
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import problems

# Who asks for a list asks again; no query is kept that would take much room.
_KEPT_QUERIES, _KEPT_BYTES = 2048, 4096

_NOT_GIVEN = ("header_params", "cookie_params", "response_param_name")

# A route's function; it makes its own Response, the framework adds nothing to that.
Endpoint: TypeAlias = Callable[..., Awaitable[Response]]


class Express:
    """ASGI middleware inside all others, so that they treat its answers as any."""

    def __init__(self, app: ASGIApp, routes: Sequence[APIRoute]) -> None:
        """Take up routes whose only parameters are in the query, or words of the path, or of POST one model in JSON.

        Raises:
            ValueError: a route takes something else.
        """
        self._app = app
        plain = [_Lane(route) for route in routes if not route.param_convertors]
        self._lanes = {("POST" if lane.body else "GET", lane.route.path): lane for lane in plain}
        self._patterns = [_Lane(route) for route in routes if route.param_convertors]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it go on."""
        lane, values = self._find(scope)
        if lane is None or values is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = lane.route
        request = Request(scope, receive)
        try:
            if lane.body:
                heard = _Heard(receive)
                found = await lane.read_body(request, heard)
                if found is None:
                    await self._app(scope, heard.again, send)
                    return
                values = {**values, **found}
            response = await lane.asked.call(request, values)
        except Exception as error:
            response = await problems.answer(request, error)
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[_Lane | None, Mapping[str, Any] | None]:
        if scope["type"] != "http":
            return None, None
        path: str = scope["path"]
        lane = self._lanes.get((scope["method"], path))
        if lane:
            return lane, lane.read(scope["query_string"])
        if scope["method"] != "GET":
            return None, None
        for lane in self._patterns:
            if words := lane.route.path_regex.match(path):
                return lane, words.groupdict()
        return None, None


class _Heard:
    """A request's body, of which what was read can be read again."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: deque[Message] = deque()

    async def whole(self) -> bytes | None:
        """Read the body to its end; None: the caller has left."""
        body: bytes = b""
        while True:
            message = await self._receive()
            self._messages.append(message)
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if not message.get("more_body", False):
                return body

    async def again(self) -> Message:
        """Read it once more, then what comes after it."""
        return self._messages.popleft() if self._messages else await self._receive()


class _Lane:
    """One route, and how its query and its body are read; what has words in its path reads its query itself."""

    def __init__(self, route: APIRoute) -> None:
        _check(route)
        self.route = route
        self.asked = _asked(route.dependant)
        self.body = next(iter(route.dependant.body_params), None)
        fields = [field for one in _all(route.dependant) for field in one.query_params]
        self._fields = {field.alias: field for field in fields}
        self._lists = {field.alias for field in fields if get_origin(field.field_info.annotation) is list}
        self._required = {field.alias for field in fields if field.field_info.is_required()}
        self._read_again = lru_cache(_KEPT_QUERIES)(self._read)

    def read(self, query: bytes) -> Mapping[str, Any] | None:
        """Read a query string; None when it is not plain. Each reader has lists of his own."""
        found = self._read_again(query) if len(query) <= _KEPT_BYTES else self._read(query)
        if found is None or self._lists.isdisjoint(found):
            return found
        return {name: value[:] if name in self._lists else value for name, value in found.items()}

    def _read(self, query: bytes) -> Mapping[str, Any] | None:
        given: dict[str, list[str]] = {}
        for name, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
            given.setdefault(name, []).append(text)
        if not self._required <= given.keys() <= self._fields.keys():
            return None
        values: dict[str, Any] = {}
        for name, texts in given.items():
            if name not in self._lists and len(texts) > 1:
                return None
            values[name], errors = self._fields[name].validate(texts if name in self._lists else texts[0], {}, loc=())
            if errors:
                return None
        return values

    async def read_body(self, request: Request, heard: _Heard) -> Mapping[str, Any] | None:
        """Read a body; None when it is not plain."""
        assert self.body is not None
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return None
        body = await heard.whole()
        try:
            value, errors = self.body.validate(json.loads(body or b""), {}, loc=())
        except (ValueError, RecursionError):
            return None
        return None if errors else {self.body.alias: value}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A function that a route asks: its endpoint, or what that depends on.

    Attributes:
        name: of the argument it fills, None for none.
        request: the argument that takes the request, None for none.
        arguments: the other arguments, by the names in path and query, and the body by its own.
        before: what it depends on, asked first.
    """

    name: str | None
    function: Callable[..., Awaitable[Any]]
    request: str | None
    arguments: Sequence[tuple[str, str]]
    before: Sequence[_Asked]

    async def call(self, request: Request, values: Mapping[str, Any]) -> Any:
        """Call it; an argument that is not in the query is left to its default."""
        given = {argument: values[name] for name, argument in self.arguments if name in values}
        for one in self.before:
            found = await one.call(request, values)
            if one.name:
                given[one.name] = found
        if self.request:
            given[self.request] = request
        return await self.function(**given)


def _asked(dependant: Dependant) -> _Asked:
    assert dependant.call is not None
    return _Asked(
        name=dependant.name,
        function=dependant.call,
        request=dependant.request_param_name,
        arguments=[
            (field.alias, field.name)
            for field in (*dependant.path_params, *dependant.query_params, *dependant.body_params)
        ],
        before=[_asked(one) for one in dependant.dependencies],
    )


def _all(dependant: Dependant) -> list[Dependant]:
    return [dependant, *(one for dependency in dependant.dependencies for one in _all(dependency))]


def _is_model(body: FieldInfo) -> bool:
    asked = body.annotation
    return type(body) is Body and not body.embed and isinstance(asked, type) and issubclass(asked, BaseModel)


def _check(route: APIRoute) -> None:
    """Refuse a route that takes what no lane gives, or asks anything twice: the framework would ask once."""
    asked = _all(route.dependant)
    calls = [one.call for one in asked]
    words = [field.field_info.annotation for one in asked for field in one.path_params]
    read = [field.alias for one in asked for field in (*one.query_params, *one.body_params)]
    bodies = [field for one in asked for field in one.body_params]
    if (
        route.methods != {"POST" if bodies else "GET"}
        or not (bodies == route.dependant.body_params[:1] and all(_is_model(body.field_info) for body in bodies))
        or any(word is not str for word in words)
        or (words and read)
        or any(getattr(one, name) for one in asked for name in _NOT_GIVEN)
        or not all(iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__) for call in calls)
        or len(set(calls)) < len(calls)
        or len(set(read)) < len(read)
    ):
        raise ValueError(f"{route.path} is too much for the express lane")
