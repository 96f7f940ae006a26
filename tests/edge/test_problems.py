"""Every failure in the contract's shape (3.2, 6.2), whatever caused it."""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
import structlog
from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, StringConstraints, field_validator
from starlette.responses import HTMLResponse, Response

from kalends import errors
from kalends.app import App, DatabaseBusy, OutcomeUnknown
from kalends.edge import problems
from kalends.edge.context import AppDep
from kalends.edge.problems import Problem
from kalends.errors import DomainError, FieldError
from tests.edge.conftest import ClientFor

router = APIRouter()


class Taken(errors.Conflict):
    """Somebody was faster."""

    code = "slot-occupied"


class TooSoon(errors.Invalid):
    """This start is too soon."""

    code = "too-soon"


RAISED: dict[str, DomainError] = {
    "taken": Taken(reason="buffer"),
    "too-soon": TooSoon(),
    "invalid": errors.Invalid("Validation failed", errors=[FieldError("email", "is in use")]),
    "conflict": errors.Conflict("Somebody else has changed it"),
    "not-found": errors.NotFound("Meeting type not found"),
    "forbidden": errors.Forbidden("Not authorized to delete this meeting type"),
    "limit": errors.LimitReached(retry_after_s=9),
    "busy": DatabaseBusy(retry_after_s=1),
    "upstream": errors.Upstream("The calendar did not answer"),
    "unknown": OutcomeUnknown(),
}


class Address(BaseModel):
    email: str
    zone: Literal["Europe/Berlin"] = "Europe/Berlin"

    @field_validator("email")
    @classmethod
    def _has_an_at(cls, value: str) -> str:
        if "@" not in value:
            raise ValueError("is no address")
        return value


class Order(BaseModel):
    attendee: Address
    title: Annotated[str, AfterValidator(str.strip), StringConstraints(max_length=5)] = ""
    guests: list[Address] = []


@router.get("/v4/raises/{name}")
async def raises(name: str) -> None:
    raise RAISED[name]


@router.get("/v4/bug")
async def bug() -> None:
    raise RuntimeError("the password is hunter2, in SELECT secret FROM /etc/shadow")


@router.get("/v4/full-disk")
async def full_disk(app: AppDep) -> None:
    async with app.transaction() as conn:
        await conn.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$")


@router.get("/v4/things/{thing_id}")
async def thing(thing_id: UUID, limit: int = Query(20, ge=1)) -> str:
    return str(thing_id)


@router.patch("/v4/things/{thing_id}")
async def change_thing(thing_id: UUID) -> str:
    return str(thing_id)


@router.post("/v4/orders", status_code=201)
async def order(order: Order) -> str:
    return order.attendee.email


@router.post("/v4/notes")
async def note(notes: dict[str, Any], app: AppDep) -> str:
    async with app.transaction() as conn:
        await conn.execute("SELECT %s::text, %s::jsonb", (str(notes.get("text", "")), json.dumps(notes)))
    return "stored"


@router.get("/v4/by-name/{name}")
async def by_name(name: str, app: AppDep) -> str:
    async with app.transaction() as conn:
        await conn.execute("SELECT %s::text", (name,))
    return name


@router.get("/{user}/{kind}")
async def catch_all_page(user: str, kind: str) -> str:
    raise errors.NotFound


async def test_refusals_have_their_status_and_body(client_for: ClientFor) -> None:
    client = await client_for(router)

    found = {}
    for name in RAISED:
        answer = await client.get(f"/v4/raises/{name}")
        body = answer.json()
        assert body.pop("requestId") == answer.headers["x-request-id"]
        assert answer.headers["content-type"] == "application/json"
        found[name] = (body, answer.headers.get("retry-after"))

    assert found == {
        "taken": (
            {
                "statusCode": 400,
                "error": "Bad Request",
                "errorCode": "slot-occupied",
                "message": "slot-occupied",
                "reason": "buffer",
            },
            None,
        ),
        "too-soon": (
            {
                "statusCode": 400,
                "error": "Bad Request",
                "errorCode": "too-soon",
                "message": "This start is too soon.",
            },
            None,
        ),
        "invalid": (
            {
                "statusCode": 400,
                "error": "Bad Request",
                "message": "Validation failed",
                "errors": [{"field": "email", "message": "is in use"}],
            },
            None,
        ),
        "conflict": ({"statusCode": 409, "error": "Conflict", "message": "Somebody else has changed it"}, None),
        "not-found": ({"statusCode": 404, "error": "Not Found", "message": "Meeting type not found"}, None),
        "forbidden": (
            {"statusCode": 403, "error": "Forbidden", "message": "Not authorized to delete this meeting type"},
            None,
        ),
        "limit": ({"statusCode": 429, "error": "Too Many Requests", "message": "Too Many Requests"}, "9"),
        "busy": (
            {
                "statusCode": 503,
                "error": "Service Unavailable",
                "errorCode": "busy",
                "message": DatabaseBusy().message,
            },
            "1",
        ),
        "upstream": ({"statusCode": 502, "error": "Bad Gateway", "message": "The calendar did not answer"}, None),
        "unknown": (
            {
                "statusCode": 500,
                "error": "Internal Server Error",
                "errorCode": "outcome-unknown",
                "message": OutcomeUnknown().message,
            },
            None,
        ),
    }


async def test_a_bug_tells_its_request_id_only_and_is_logged_once(client_for: ClientFor) -> None:
    client = await client_for(router)

    with structlog.testing.capture_logs() as lines:
        answer = await client.get("/v4/bug")

    assert answer.json() == {
        "statusCode": 500,
        "message": "Internal Server Error",
        "error": "Internal Server Error",
        "requestId": answer.headers["x-request-id"],
    }
    (bug_line,) = [line for line in lines if line["log_level"] == "error"]
    assert bug_line["error"] == "RuntimeError"
    assert "in bug\n" in bug_line["traceback"]


async def test_a_wrong_body_names_each_field_with_its_path(client_for: ClientFor) -> None:
    client = await client_for(router)

    answer = await client.post(
        "/v4/orders", json={"attendee": {"zone": "Mars"}, "title": "Two words", "guests": [{"email": "nobody"}]}
    )

    body = answer.json()
    body.pop("requestId")
    assert body == {
        "statusCode": 400,
        "message": "Validation failed",
        "error": "Bad Request",
        "errors": [
            {"field": "attendee.email", "message": "Field required"},
            {"field": "attendee.zone", "message": "Input should be 'Europe/Berlin'"},
            {"field": "title", "message": "Value should have at most 5 characters, not 9"},
            {"field": "guests.0.email", "message": "is no address"},
        ],
    }


@pytest.mark.parametrize(
    ("content", "content_type", "message"),
    [
        (b"{nope", "application/json", "is not valid JSON (at character 1)"),
        (b"\xff\xfe\xfd", "application/json", "could not be read"),
        (b"[]", "application/json", "must be a JSON object, sent with Content-Type: application/json"),
        (b"{}", "text/plain", "must be a JSON object, sent with Content-Type: application/json"),
        (b"", "application/json", "Field required"),
        (b"null", "application/json", "must be a JSON object, sent with Content-Type: application/json"),
    ],
)
async def test_an_unreadable_body_is_400(
    client_for: ClientFor, content: bytes, content_type: str, message: str
) -> None:
    client = await client_for(router)

    answer = await client.post("/v4/orders", content=content, headers={"Content-Type": content_type})

    assert answer.status_code == 400
    assert answer.json()["message"] == "Validation failed"
    assert answer.json()["errors"] == [{"field": "body", "message": message}]


async def test_a_wrong_query_value_is_named(client_for: ClientFor) -> None:
    client = await client_for(router)

    answer = await client.get("/v4/things/0197a3b0-5f6e-7c11-8d2a-3f0c9e1b7a44?limit=none")

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["limit"]


@pytest.mark.parametrize("malformed", ["7", "no-uuid", "%00", "%ED%A0%80", "a" * 4000, "..%2f..%2fetc"])
async def test_a_malformed_id_names_nothing(client_for: ClientFor, malformed: str) -> None:
    client = await client_for(router)

    answer = await client.get(f"/v4/things/{malformed}")

    assert answer.status_code == 404
    assert answer.json()["error"] == "Not Found"


async def test_a_percent_encoded_id_is_read(client_for: ClientFor) -> None:
    client = await client_for(router)

    answer = await client.get("/v4/things/%30197a3b0-5f6e-7c11-8d2a-3f0c9e1b7a44")

    assert answer.json() == "0197a3b0-5f6e-7c11-8d2a-3f0c9e1b7a44"


@pytest.mark.parametrize("content_type", ["application/json", "", "application/json; charset=utf-8", ";;"])
async def test_a_content_type_without_a_body_is_fine(client_for: ClientFor, content_type: str) -> None:
    client = await client_for(router)

    answer = await client.get("/v4/things/0197a3b0-5f6e-7c11-8d2a-3f0c9e1b7a44", headers={"Content-Type": content_type})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v4/nothing",
        "/v4",
        "/v4/a/b/c",
        "/webhooks/x/y",
        "/crm/deals",
        "/data-field/7/usage",
        "/company/mira-settings",
        "/knowledge/documents",
        "/web-chat/insights",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_unknown_api_routes_are_json_whatever_is_accepted(client_for: ClientFor, path: str, method: str) -> None:
    client = await client_for(router)

    answer = await client.request(method, path, headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert {key: answer.json().get(key) for key in ("statusCode", "message", "errorCode")} == {
        "statusCode": 404,
        "message": "Not Found",
        "errorCode": None,
    }


async def test_elsewhere_accept_decides_between_page_and_json(client_for: ClientFor) -> None:
    client = await client_for(router)

    async def page(request: Request, problem: Problem) -> Response:
        return HTMLResponse(f"<h1>{problem.message}</h1>", problem.status)

    application(client).state.render_error_page = page
    as_page = await client.get("/a/b/c", headers={"Accept": "text/html,*/*;q=0.8"})
    as_json = await client.get("/a/b/c", headers={"Accept": "application/json"})

    assert (as_page.status_code, as_page.text) == (404, "<h1>Not Found</h1>")
    assert (as_json.status_code, as_json.json()["message"]) == (404, "Not Found")


async def test_a_known_path_with_another_method_is_405_with_all_its_methods(client_for: ClientFor) -> None:
    client = await client_for(router)
    path = "/v4/things/0197a3b0-5f6e-7c11-8d2a-3f0c9e1b7a44"

    answers = [await client.request(method, path) for method in ("DELETE", "PUT", "TRACE", "OPTIONS", "BREW")]

    assert [answer.status_code for answer in answers] == [405] * 5
    assert {answer.headers["allow"] for answer in answers} == {"GET, HEAD, PATCH"}
    assert answers[0].json()["message"] == "Method Not Allowed"


async def test_problem_json_is_rfc_9457(client_for: ClientFor) -> None:
    client = await client_for(router)

    answer = await client.get("/v4/raises/taken", headers={"Accept": "application/problem+json"})

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "slot-occupied",
        "errorCode": "slot-occupied",
        "reason": "buffer",
        "requestId": answer.headers["x-request-id"],
    }


@pytest.mark.parametrize(
    "body",
    [
        rb'{"text": "a\u0000b"}',
        rb'{"text": "\ud800"}',
        rb'{"deep": {"key": ["\u0000"]}}',
        rb'{"\u0000": 1}',
        rb'{"number": NaN}',
    ],
)
async def test_what_cannot_be_stored_is_400(client_for: ClientFor, body: bytes) -> None:
    client = await client_for(router)

    answer = await client.post("/v4/notes", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"] == "Bad Request"


async def test_a_path_that_cannot_be_stored_names_nothing(client_for: ClientFor) -> None:
    client = await client_for(router)

    assert (await client.get("/v4/by-name/a%00b")).status_code == 404


async def test_strange_keys_do_not_break_the_answer(client_for: ClientFor) -> None:
    client = await client_for(router)

    answer = await client.post(
        "/v4/orders",
        content=rb'{"attendee": {"email": "\ud800"}, "guests": {"\udfff\u0000": 1}}',
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 400
    assert json.loads(answer.content)["message"] == "Validation failed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/vnd.meetergo.v9+json"},
        {b"Accept": b";;;q=x, \xff"},
        {"Accept": ""},
        {"Accept": "text/html"},
        {"Accept": "application/problem+json;q=broken"},
        {b"Accept-Version": b"99.9", b"X-API-Version": b"../../etc", b"Version": b"\xe9"},
        {"Host": "[::bad"},
        {"Host": ""},
        {"Accept-Language": "\x7f;;;"},
        {"Accept-Encoding": "nothing;q=-1"},
    ],
)
@pytest.mark.parametrize("path", ["/v4/orders", "/v4/unknown", "/unknown", "/docs", "/healthz", "/v4/raises/limit"])
async def test_odd_headers_get_a_documented_default(
    client_for: ClientFor, headers: dict[str, str] | dict[bytes, bytes], path: str
) -> None:
    """Case A02."""
    client = await client_for(router)

    answer = await client.get(path, headers=headers)

    assert answer.status_code in (200, 404, 405, 429)


async def test_no_error_lets_the_inside_out(client_for: ClientFor, app: App) -> None:
    """Case A07, as far as the edge goes."""
    client = await client_for(router)
    secret = "rgo-0123456789abcdef0123456789abcdef"
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    answers = [
        await client.get("/v4/bug", headers=headers),
        await client.get(f"/v4/{secret}", headers=headers),
        await client.post("/v4/orders", content=f'{{"attendee": {{"email": "{secret}"}}}}', headers=headers),
        await client.post("/v4/notes", content=rb'{"text": "a\u0000b"}', headers=headers),
        await client.get("/v4/by-name/a%00b", headers=headers),
        await client.get(f"/v4/things/{secret}", headers=headers),
    ]

    for answer in answers:
        assert answer.status_code >= 400
        for inside in (secret, "hunter2", "SELECT", "Traceback", "psycopg", "/etc", ".py", "/v4"):
            assert inside not in answer.text


def test_a_documented_refusal_has_its_example() -> None:
    described = problems.document(Taken, TooSoon, errors.NotFound)

    assert sorted(described) == [400, 404]
    examples = described[400]["content"]["application/json"]["examples"]
    assert list(examples) == ["slot-occupied", "too-soon"]
    assert examples["slot-occupied"]["value"]["message"] == "slot-occupied"


def application(client: Any) -> Any:
    """Find the application a client talks to."""
    return client._transport.app


async def test_how_the_database_failed_is_in_the_log(client_for: ClientFor) -> None:
    client = await client_for(router)

    with structlog.testing.capture_logs() as lines:
        answer = await client.get("/v4/full-disk")

    assert (answer.status_code, answer.json()["errorCode"]) == (503, "busy")
    [told] = [line for line in lines if line["event"] != "request"]
    assert told == {"event": "database refused", "error": "DiskFull", "log_level": "warning"}
