"""The express lane: which requests it answers itself, and that the framework would answer them alike."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import pytest
import structlog
from fastapi import APIRouter, Body, Depends, Header, Query, Request
from fastapi.routing import APIRoute
from httpx2 import ASGITransport, AsyncClient
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from kalends.app import App
from kalends.edge import web
from kalends.edge.express import Express
from kalends.errors import Conflict
from kalends.storage.buckets import RateLimit

PATH = "/v4/plain"
ID = "oneId=01a2043e-392d-7c6a-a48f-f279d6991d82"

router = APIRouter()


class Taken(Conflict):
    """Somebody has it."""

    code = "taken"


async def _doubled(request: Request, number: Annotated[int, Query(ge=1)] = 4) -> tuple[int, str]:
    return number * 2, request.method


async def _watched(fail: Annotated[bool, Query()] = False) -> None:
    if fail:
        raise Taken


@router.get(PATH, dependencies=[Depends(_watched)])
async def plain(
    one: Annotated[UUID, Query(alias="oneId")],
    doubled: Annotated[tuple[int, str], Depends(_doubled)],
    many: Annotated[list[int], Query()] = [],  # noqa: B006
    word: Annotated[str | None, Query()] = None,
) -> Response:
    if word == "bug":
        raise RuntimeError
    return JSONResponse([str(one), *doubled, many, word], headers={"Cache-Control": "private"})


[ROUTE] = [route for route in router.routes if isinstance(route, APIRoute)]


@pytest.mark.parametrize(
    ("method", "path", "query", "passed"),
    [
        ("GET", PATH, ID, False),
        ("GET", PATH, f"{ID}&many=1&many=2&number=3&word=a+b%20c&fail=false", False),
        ("GET", PATH, f"{ID}&word=&number=3&&", False),
        ("POST", PATH, ID, True),
        ("GET", f"{PATH}/", ID, True),
        ("GET", "/v4", ID, True),
        ("GET", PATH, "", True),
        ("GET", PATH, "oneId=1", True),
        ("GET", PATH, f"{ID}&{ID}", True),
        ("GET", PATH, f"{ID}&number=0", True),
        ("GET", PATH, f"{ID}&number=2&number=2", True),
        ("GET", PATH, f"{ID}&many=1&many=x", True),
        ("GET", PATH, f"{ID}&utm_source=mail", True),
        ("GET", PATH, f"{ID}&one=x", True),
    ],
)
async def test_what_is_not_plain_is_passed_on(method: str, path: str, query: str, passed: bool) -> None:
    reached: list[Scope] = []
    sent: list[Message] = []

    async def framework(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope)
        await Response()(scope, receive, send)

    async def receive() -> Message:
        raise AssertionError("nobody reads a body")

    async def send(message: Message) -> None:
        sent.append(message)

    lane = Express(framework, [ROUTE])
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": []}

    await lane(scope, receive, send)

    assert reached == ([scope] if passed else [])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        (ID, 200),
        (f"{ID}&many=3&number=7&many=1&word=%C3%A4%FF+", 200),
        (f"{ID}&fail=1", 409),
        (f"{ID}&word=bug", 500),
        (f"{ID}&number=x", 400),
        ("", 400),
    ],
)
async def test_an_answer_is_the_frameworks(app: App, method: str, query: str, status: int) -> None:
    seen: list[Any] = []

    for express in ([plain], []):
        served = web.create(app, routers=[router], limits=RateLimit(100, 0), express=express)
        client = AsyncClient(transport=ASGITransport(app=served), base_url="http://kalends.test")
        with structlog.testing.capture_logs() as lines:
            answer = await client.request(method, f"{PATH}?{query}")
        request_id = answer.headers.pop("x-request-id")
        line = {key: value for key, value in lines[-1].items() if key != "duration_ms"}
        seen.append((answer.status_code, answer.headers, answer.text.replace(request_id, ""), line))

    assert seen[0] == seen[1]
    assert seen[0][0] == seen[0][3]["status"] == status
    assert seen[0][3]["route"] == PATH


async def _number(one: int) -> Response:
    return Response(str(one))


async def _word_and_query(one: str, word: Annotated[str, Query()]) -> Response:
    return Response(one + word)


async def _header(accept: Annotated[str, Header()]) -> Response:
    return Response(accept)


async def _body(text: Annotated[str, Body()]) -> Response:
    return Response(text)


def _blocking() -> Response:
    return Response()


async def _twice(
    one: Annotated[tuple[int, str], Depends(_doubled)], other: Annotated[tuple[int, str], Depends(_doubled)]
) -> Response:
    return Response()


async def _shared(one: Annotated[tuple[int, str], Depends(_doubled)], number: int) -> Response:
    return Response()


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("POST", "/x", plain),
        ("GET", "/x/{one}", _number),
        ("GET", "/x/{one}", _word_and_query),
        ("GET", "/x", _header),
        ("GET", "/x", _body),
        ("GET", "/x", _blocking),
        ("GET", "/x", _twice),
        ("GET", "/x", _shared),
    ],
)
def test_a_route_that_takes_more_is_refused_at_once(app: App, method: str, path: str, endpoint: Any) -> None:
    own = APIRouter()
    own.add_api_route(path, endpoint, methods=[method])
    served = web.create(app, routers=[own], limits=RateLimit(100, 0), express=[endpoint])

    with pytest.raises(ValueError, match="too much for the express lane"):
        served.build_middleware_stack()
