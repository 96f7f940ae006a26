"""What surrounds every request: its id, its log line, the headers browsers obey, the size of its body."""

import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest
import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response
from structlog.typing import EventDict

from kalends.edge import logs, requests
from kalends.edge.auth import Scheduling
from kalends.edge.context import Trace
from kalends.edge.requests import MAX_BODY_BYTES
from tests.edge.conftest import Acme, ClientFor, bearer

router = APIRouter()


@router.get("/v4/user/{user_id}")
async def user(user_id: UUID, actor: Scheduling) -> dict[str, str]:
    return {"email": "ada@acme.test"}


@router.post("/v4/echo")
async def echo(request: Request) -> int:
    return len(await request.body())


@router.delete("/v4/user/{user_id}", status_code=204)
async def delete_user(user_id: UUID) -> None:
    return None


@router.get("/b/{appointment_id}/{secret}")
async def guest_page(appointment_id: str, secret: str) -> Response:
    return Response("<h1>Ada</h1>", media_type="text/html")


@router.get("/own-policy/page")
async def own_policy() -> Response:
    return Response("x", headers={"Content-Security-Policy": "default-src 'none'", "Cache-Control": "max-age=60"})


@router.get("/{user_slug}/{type_slug}")
async def booking_page(user_slug: str, type_slug: str) -> Response:
    return Response("<h1>Book</h1>", media_type="text/html")


def request_lines(lines: list[EventDict]) -> list[EventDict]:
    return [line for line in lines if line["event"] == "request"]


async def test_a_line_tells_the_route_and_no_path_secret_or_person(client_for: ClientFor, acme: Acme) -> None:
    client = await client_for(router)
    paths = [f"/v4/user/{acme.member_id}?email=ada@acme.test", f"/b/{acme.member_id}/s3cret", "/ada-roth/intro", "/x"]

    with structlog.testing.capture_logs() as lines:
        answers = [await client.get(path, headers=bearer(acme.token) | {"User-Agent": "spy"}) for path in paths]

    found = request_lines(lines)
    assert [line["route"] for line in found] == [
        "/v4/user/{user_id}",
        "/b/{appointment_id}/{secret}",
        "/{user_slug}/{type_slug}",
        None,
    ]
    assert [line["status"] for line in found] == [answer.status_code for answer in answers] == [200, 200, 200, 404]
    assert "credential_id" in found[0]
    assert "credential_id" not in found[1]
    assert all(line["method"] == "GET" and line["duration_ms"] > 0 for line in found)
    written = json.dumps(found)
    for inside in ("s3cret", acme.token, str(acme.member_id), "ada", "acme", "spy", "127.0.0.1"):
        assert inside not in written


async def test_a_refused_caller_is_logged_with_his_credential(client_for: ClientFor, acme: Acme) -> None:
    client = await client_for(router)

    with structlog.testing.capture_logs() as lines:
        await client.get(f"/v4/user/{acme.member_id}", headers=bearer(acme.key))

    (line,) = request_lines(lines)
    assert (line["status"], line["credential_id"]) == (400, str(acme.key_id))


async def test_every_answer_has_an_id_of_ours_that_is_in_the_log(client_for: ClientFor) -> None:
    client = await client_for(router)

    with structlog.testing.capture_logs(processors=[logs.name_request]) as lines:
        answers = [await client.get("/healthz", headers={"X-Request-Id": "mine"}) for _ in range(2)]

    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len({UUID(one) for one in ids}) == 2
    assert [line["request_id"] for line in request_lines(lines)] == ids


async def test_nothing_is_answered_without_a_type(client_for: ClientFor, acme: Acme) -> None:
    client = await client_for(router)

    answer = await client.delete(f"/v4/user/{acme.member_id}")

    assert (answer.status_code, answer.content, answer.headers.get("content-type")) == (204, b"", None)
    assert answer.headers["x-request-id"]


async def test_a_browser_may_call_the_api_from_anywhere_without_cookies(client_for: ClientFor) -> None:
    client = await client_for(router)
    asking = {
        "Origin": "https://elsewhere.test",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-meetergo-api-user-id,idempotency-key",
    }

    preflight = await client.options("/v4/booking", headers=asking)
    answer = await client.get("/v4/unknown", headers={"Origin": "https://elsewhere.test"})
    page = await client.options("/ada-roth/intro", headers=asking)

    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert set(asking["Access-Control-Request-Headers"].split(",")) <= set(allowed.split(", "))
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in preflight.headers
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"]
    assert {"RateLimit", "Retry-After", "X-Request-Id"} <= set(exposed.split(", "))
    assert "access-control-allow-origin" not in page.headers


async def test_only_booking_pages_may_be_framed(client_for: ClientFor) -> None:
    client = await client_for(router)
    paths = ("/ada-roth/intro", "/ada-roth/buy", "/b/1/s3cret", "/docs", "/spec/v2", "/app/users", "/v4/x", "/login")

    policies = {path: (await client.get(path)).headers["content-security-policy"] for path in paths}

    framed = [path for path, policy in policies.items() if "frame-ancestors" not in policy]
    assert framed == ["/ada-roth/intro", "/ada-roth/buy"]
    assert all("'unsafe-eval'" not in policy and "script-src" not in policy for policy in policies.values())
    assert policies["/ada-roth/intro"].startswith("default-src 'self'; object-src 'none'; base-uri 'none'")


async def test_an_answer_behind_a_secret_is_neither_kept_nor_told(client_for: ClientFor) -> None:
    client = await client_for(router)

    headers = (await client.get("/b/1/s3cret")).headers

    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex"
    assert headers["x-content-type-options"] == "nosniff"


async def test_what_a_route_says_itself_stays(client_for: ClientFor) -> None:
    client = await client_for(router)

    headers = (await client.get("/own-policy/page")).headers

    assert headers.get_list("content-security-policy") == ["default-src 'none'"]
    assert headers["cache-control"] == "max-age=60"


async def test_head_is_get_without_the_body(client_for: ClientFor) -> None:
    client = await client_for(router)

    with structlog.testing.capture_logs() as lines:
        answer = await client.head("/ada-roth/intro")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len("<h1>Book</h1>"))
    assert [(line["method"], line["status"]) for line in request_lines(lines)] == [("HEAD", 200)]


async def test_an_answered_request_leaves_nothing_to_the_garbage_collector(client_for: ClientFor) -> None:
    client = await client_for(router)
    gc.disable()
    try:
        before = sum(isinstance(one, Trace) for one in gc.get_objects())
        await client.get("/own-policy/page")
        left = sum(isinstance(one, Trace) for one in gc.get_objects())
    finally:
        gc.enable()

    assert left == before


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 100_000):
        yield b"x" * 100_000


async def test_a_large_body_is_refused_in_shape(client_for: ClientFor) -> None:
    client = await client_for(router)

    fits = await client.post("/v4/echo", content=b"x" * MAX_BODY_BYTES)
    declared = await client.post("/v4/echo", content=b"x" * (MAX_BODY_BYTES + 1))
    streamed = await client.post("/v4/echo", content=chunks(MAX_BODY_BYTES + 100_000))
    unread = await client.post("/v4/unknown", content=b"x" * (MAX_BODY_BYTES + 1))

    assert (fits.status_code, fits.json()) == (200, MAX_BODY_BYTES)
    for answer in (declared, streamed, unread):
        body = answer.json()
        assert (answer.status_code, body["statusCode"], body["error"]) == (413, 413, "Content Too Large")


async def test_half_a_body_is_not_waited_for(client_for: ClientFor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "BODY_PAUSE_S", 0.05)
    client = await client_for(router)

    async def half() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(5)
        yield b"x"

    answer = await client.post("/v4/echo", content=half())

    assert (answer.status_code, answer.json()["error"]) == (408, "Request Timeout")


@pytest.mark.parametrize("length", ["-1", "many", "", "9" * 5000])
async def test_a_nonsense_length_is_no_bug(client_for: ClientFor, length: str) -> None:
    client = await client_for(router)

    answer = await client.post("/v4/echo", content=b"x", headers={"Content-Length": length})

    assert answer.status_code in (200, 413)


def configured(log_format: str, program: str) -> list[str]:
    """Run a program after logs.configure in a process of its own; answer the lines it wrote."""
    start = f"import logging, structlog\nfrom kalends.edge import logs\nlogs.configure({log_format!r})\n"
    done = subprocess.run([sys.executable, "-c", start + program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_addresses_we_ask_are_not_logged() -> None:
    program = (
        "from types import SimpleNamespace\nfrom kalends import bootstrap\n"
        "bootstrap.configure_logs(SimpleNamespace(log_format='text'))\n"
        "logging.getLogger('httpx2').info('HTTP Request: GET https://feeds.test/s3cret.ics')\n"
        "logging.getLogger('httpx2').warning('heard')\n"
    )

    assert [line for line in configured("text", program) if "s3cret" in line or "heard" not in line] == []


def test_json_logs_are_one_object_a_line_libraries_included() -> None:
    program = (
        "structlog.get_logger().info('request', status=200)\n"
        "logging.getLogger('uvicorn.error').warning('from %s', 'uvicorn')\n"
        "logging.getLogger('uvicorn.access').info('GET /b/1/s3cret')\n"
        "logging.getLogger('procrastinate').info('job')\n"
    )

    lines = [json.loads(line) for line in configured("json", program)]

    assert [(line["event"], line["level"]) for line in lines] == [
        ("request", "info"),
        ("from uvicorn", "warning"),
        ("job", "info"),
    ]
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert lines[0]["status"] == 200


def test_what_libraries_log_of_exceptions_holds_no_row_and_no_path() -> None:
    program = (
        "import psycopg\n"
        "try:\n    raise psycopg.errors.UniqueViolation('Key (email)=(' + 'ada' + '@acme.test) already exists')\n"
        "except Exception:\n    logging.getLogger('procrastinate').exception('broken')\n"
        "try:\n    open('/no' + 'where')\n"
        "except Exception:\n    logging.getLogger('procrastinate').exception('gone')\n"
    )

    broken, gone = (json.loads(line) for line in configured("json", program))

    assert (broken["event"], broken["error"], gone["error"]) == ("broken", "UniqueViolation", "FileNotFoundError")
    assert broken["traceback"].startswith('  File "<string>", line 6, in')
    assert "ada@acme.test" not in str(broken)
    assert "/nowhere" not in str(gone)


def test_console_logs_can_be_read() -> None:
    (line,) = configured("console", "structlog.get_logger().info('request', status=200)\n")

    assert "request" in line
    assert "status=200" in line


async def test_a_described_bug_holds_no_row(conninfo: str) -> None:
    person = "ada" + "@acme.test"  # so that the line of code in the traceback does not hold it
    async with await psycopg.AsyncConnection.connect(conninfo) as conn:
        await conn.execute("CREATE TEMP TABLE person (email text PRIMARY KEY)")
        await conn.execute("INSERT INTO person VALUES (%s)", (person,))
        with pytest.raises(psycopg.errors.UniqueViolation, match=person) as caught:
            await conn.execute("INSERT INTO person VALUES (%s)", (person,))
    wrapped = RuntimeError("wrapped")
    wrapped.__cause__ = caught.value

    described = logs.describe(wrapped)

    assert described["error"] == "RuntimeError"
    assert "UniqueViolation: 23505 person_pkey" in described["traceback"]
    assert described["traceback"].endswith("RuntimeError: wrapped")
    assert person not in described["traceback"]
