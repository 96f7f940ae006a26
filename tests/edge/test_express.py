"""The express lane: which requests it answers itself, and that the framework would answer them alike."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import pytest
import structlog
from fastapi import APIRouter, Body, Depends, Header, Query, Request
from fastapi.routing import APIRoute
from httpx2 import ASGITransport, AsyncClient
from pydantic import BaseModel
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


class Thing(BaseModel):
    """What is posted."""

    name: str
    many: list[int] = []


@router.post(PATH, dependencies=[Depends(_watched)])
async def posted(thing: Thing, doubled: Annotated[tuple[int, str], Depends(_doubled)]) -> Response:
    return JSONResponse([thing.name, thing.many, *doubled], 201)


[ROUTE, POSTED] = [route for route in router.routes if isinstance(route, APIRoute)]


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
        ("GET", PATH, f"{ID}&word={'x' * 5000}", False),
        ("GET", PATH, f"{ID}&number=0&word={'x' * 5000}", True),
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


async def test_lists_that_were_read_before_are_not_shared(app: App) -> None:
    own = APIRouter()

    @own.get("/emptied")
    async def emptied(many: Annotated[list[int], Query()]) -> Response:
        taken = [many.pop() for _ in range(len(many))]
        return JSONResponse(taken)

    served = web.create(app, routers=[own], limits=RateLimit(100, 0), express=[emptied])
    async with AsyncClient(transport=ASGITransport(app=served), base_url="http://kalends.test") as client:
        answers = [(await client.get("/emptied?many=1&many=2")).json() for _ in range(2)]

    assert answers == [[2, 1], [2, 1]]


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


@pytest.mark.parametrize(
    ("kind", "pieces", "passed"),
    [
        ("application/json", [b'{"name":"x"}'], False),
        ("Application/JSON; charset=utf-8", [b'{"name"', b':"x",', b'"many":[1]}'], False),
        ("application/json", [b'{"name":"x","other":1}'], False),
        ("application/json", [b'{"name":1}'], True),
        ("application/json", [b'{"name"', b':"x"'], True),
        ("application/json", [b""], True),
        ("application/json", [b"[" * 100_000], True),
        ("application/json", [b'{"name":', None], True),
        ("text/plain", [b'{"name":"x"}'], True),
        ("", [b'{"name":"x"}'], True),
    ],
)
async def test_a_body_that_is_passed_on_is_passed_on_whole(kind: str, pieces: list[bytes | None], passed: bool) -> None:
    messages: list[Message] = [
        {"type": "http.disconnect"}
        if piece is None
        else {"type": "http.request", "body": piece, "more_body": place < len(pieces)}
        for place, piece in enumerate(pieces, start=1)
    ]
    coming = iter(messages)
    reached: list[Message] = []

    async def framework(scope: Scope, receive: Receive, send: Send) -> None:
        reached.extend([await receive() for _ in pieces])
        await Response()(scope, receive, send)

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None: ...

    headers = [(b"content-type", kind.encode())]
    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b"", "headers": headers}

    await Express(framework, [ROUTE, POSTED])(scope, receive, send)

    assert reached == (messages if passed else [])


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("", {"name": "x", "many": [1, 2]}, 201),
        ("number=7", {"name": "\u00e4"}, 201),
        ("fail=1", {"name": "x"}, 409),
        ("number=x", {"name": "x"}, 400),
        ("", {"name": "x", "many": ["y"]}, 400),
        ("", ["x"], 400),
    ],
)
async def test_what_is_posted_is_answered_as_by_the_framework(app: App, query: str, body: Any, status: int) -> None:
    seen: list[Any] = []

    for express in ([posted], []):
        served = web.create(app, routers=[router], limits=RateLimit(100, 0), express=express)
        async with AsyncClient(transport=ASGITransport(app=served), base_url="http://kalends.test") as client:
            answer = await client.post(f"{PATH}?{query}", json=body)
        request_id = answer.headers.pop("x-request-id")
        seen.append((answer.status_code, answer.headers, answer.text.replace(request_id, "")))

    assert seen[0] == seen[1]
    assert seen[0][0] == status


async def _number(one: int) -> Response:
    return Response(str(one))


async def _word_and_query(one: str, word: Annotated[str, Query()]) -> Response:
    return Response(one + word)


async def _header(accept: Annotated[str, Header()]) -> Response:
    return Response(accept)


async def _body(text: Annotated[str, Body()]) -> Response:
    return Response(text)


async def _two_bodies(one: Thing, other: Thing) -> Response:
    return Response(one.name + other.name)


async def _needs_body(thing: Thing) -> str:
    return thing.name


async def _body_below(name: Annotated[str, Depends(_needs_body)]) -> Response:
    return Response(name)


async def _inside(thing: Annotated[Thing, Body(embed=True)]) -> Response:
    return Response(thing.name)


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
        ("POST", "/x", _body),
        ("GET", "/x", _needs_body),
        ("POST", "/x", _two_bodies),
        ("POST", "/x", _body_below),
        ("POST", "/x", _inside),
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
