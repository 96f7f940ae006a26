"""Health, the OpenAPI document and Swagger UI."""

import re
from typing import Any
from uuid import UUID

import pytest
from fastapi import APIRouter
from pydantic import BaseModel

from kalends.app import App
from kalends.edge import problems, web
from kalends.edge.auth import AccountOrOwner, KeyOnly, Scheduling
from kalends.errors import Conflict, NotFound
from kalends.storage import database
from kalends.storage.buckets import RateLimit
from tests.edge.conftest import ClientFor


class Thing(BaseModel):
    name: str


class ThingNotFound(NotFound):
    """Thing not found"""

    code = "thing-not-found"


class ThingTaken(Conflict):
    """Somebody has this thing."""

    code = "thing-taken"


router = APIRouter(prefix="/v4", tags=["Thing V4"])


@router.get("/thing/{thing_id}", responses=problems.document(ThingNotFound))
async def get_thing(thing_id: UUID, actor: Scheduling) -> Thing:
    """Show one thing.

    Deleted things are gone.

    Raises:
        ThingNotFound: it is not there.
    """
    raise ThingNotFound


@router.post("/thing", status_code=201, responses=problems.document(ThingTaken))
async def create_thing(thing: Thing, actor: KeyOnly) -> Thing:
    """Make a thing."""
    return thing


@router.get("/things", summary="All things")
async def list_things(actor: AccountOrOwner) -> list[Thing]:
    """List the things."""
    return []


@router.get("/open")
async def open_route() -> Thing:
    """Show what everybody may see."""
    return Thing(name="x")


async def document(client_for: ClientFor) -> dict[str, Any]:
    client = await client_for(router)
    found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return found


async def test_the_document_is_openapi_3_1_with_all_ways_to_sign_in(client_for: ClientFor) -> None:
    found = await document(client_for)

    assert found["openapi"].startswith("3.1")
    assert found["servers"][0]["url"] == "/"
    assert {name: scheme["type"] for name, scheme in found["components"]["securitySchemes"].items()} == {
        "personalAccessToken": "http",
        "platformApiKey": "http",
        "actingUser": "apiKey",
    }
    assert sorted(found["paths"]) == ["/v4/open", "/v4/thing", "/v4/thing/{thingId}", "/v4/things"]


async def test_a_client_made_from_the_document_has_names_as_on_the_wire(client_for: ClientFor) -> None:
    paths = (await document(client_for))["paths"]

    names = {f"{method} {path}": one["operationId"] for path, ways in paths.items() for method, one in ways.items()}
    assert names == {
        "get /v4/thing/{thingId}": "getThing",
        "post /v4/thing": "createThing",
        "get /v4/things": "listThings",
        "get /v4/open": "openRoute",
    }
    (parameter, _) = paths["/v4/thing/{thingId}"]["get"]["parameters"]
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("thingId", "path", True)


async def test_operations_say_who_may_call_them(client_for: ClientFor) -> None:
    paths = (await document(client_for))["paths"]

    token: dict[str, list[str]] = {"personalAccessToken": []}
    key: dict[str, list[str]] = {"platformApiKey": []}
    as_user: dict[str, list[str]] = key | {"actingUser": []}
    assert paths["/v4/thing/{thingId}"]["get"]["security"] == [token, as_user]
    assert paths["/v4/things"]["get"]["security"] == [token, key, as_user]
    assert paths["/v4/thing"]["post"]["security"] == [key, as_user]
    assert "security" not in paths["/v4/open"]["get"]


async def test_operations_list_every_status_they_may_answer(client_for: ClientFor) -> None:
    paths = (await document(client_for))["paths"]

    statuses = {
        f"{method} {path}": list(operation["responses"])
        for path, operations in paths.items()
        for method, operation in operations.items()
    }

    assert statuses == {
        "get /v4/thing/{thingId}": ["200", "304", "400", "401", "403", "404", "429", "500", "503"],
        "post /v4/thing": ["201", "400", "401", "403", "409", "413", "422", "429", "500", "503"],
        "get /v4/things": ["200", "304", "401", "403", "429", "500", "503"],
        "get /v4/open": ["200", "304", "500", "503"],
    }


async def test_refusals_refer_to_the_problem_schema_with_examples(client_for: ClientFor) -> None:
    found = await document(client_for)

    not_found = found["paths"]["/v4/thing/{thingId}"]["get"]["responses"]["404"]["content"]["application/json"]
    assert not_found["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert list(not_found["examples"]) == ["thing-not-found", "not-found"]
    assert not_found["examples"]["thing-not-found"]["value"]["errorCode"] == "thing-not-found"
    schemas = found["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    used = set(re.findall(r"#/components/schemas/(\w+)", str(found)))
    assert used <= set(schemas)


async def test_docstrings_become_summaries_without_what_is_for_programmers(client_for: ClientFor) -> None:
    paths = (await document(client_for))["paths"]

    shown = paths["/v4/thing/{thingId}"]["get"]
    listed = paths["/v4/things"]["get"]
    assert (shown["summary"], shown["description"]) == ("Show one thing", "Deleted things are gone.")
    assert (listed["summary"], listed["description"]) == ("All things", "List the things.")


async def test_the_documented_headers_are_sent(client_for: ClientFor) -> None:
    found = await document(client_for)

    headers = found["paths"]["/v4/things"]["get"]["responses"]["429"]["headers"]
    assert "Retry-After" in headers
    assert set(headers) <= set(found["components"]["headers"])


@pytest.mark.parametrize("path", ["/docs", "/spec/v2"])
async def test_swagger_ui_loads_from_this_server_only(client_for: ClientFor, path: str) -> None:
    client = await client_for(router)

    page = await client.get(path)

    sources = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(sources) == 5
    assert all(source.startswith(("/static/", "/docs/")) for source in sources)
    assert not re.search(r"<script>|<script [^>]*>[^<]", page.text)  # nothing inline
    assert (await client.get("/docs/start.js")).headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(("silent_s", "worker"), [(None, "absent"), (60, "absent"), (2, "ok")])
async def test_a_running_server_is_alive_and_ready_and_says_whether_somebody_does_the_jobs(
    app: App, client_for: ClientFor, silent_s: int | None, worker: str
) -> None:
    client = await client_for()
    async with app.transaction() as conn:
        await conn.execute("DELETE FROM procrastinate_workers")  # those of other tests
        await conn.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) SELECT now() - make_interval(secs => s) "
            "FROM unnest(%s::int[]) s",
            ([] if silent_s is None else [silent_s],),
        )

    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ok", "worker": worker}


async def test_an_old_schema_is_not_ready(client_for: ClientFor, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await client_for()

    monkeypatch.setattr("kalends.storage.migrations.newest", lambda: "a-newer-one")
    answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()["errorCode"]) == (503, "not-ready")


async def test_the_lifespan_opens_and_closes_the_app(app: App, conninfo: str) -> None:
    pool = database.pool(conninfo, min_size=1, max_size=1)
    own = App(pool=pool, mailer=app.mailer, base_url=app.base_url, mail_from=app.mail_from, box=app.box)
    made = web.create(own, routers=[], limits=RateLimit(1, 1))

    async with made.router.lifespan_context(made), own.reading() as conn:
        assert await (await conn.execute("SELECT 1")).fetchone() == (1,)

    assert pool.closed


async def test_the_document_is_written_once_for_all_who_ask(
    client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may ask, as often as he likes; half a megabyte must not be written each time."""
    made: list[object] = []
    original = web.Web.openapi

    def counting(self: web.Web) -> dict[str, Any]:
        made.append(self)
        return original(self)

    monkeypatch.setattr(web.Web, "openapi", counting)
    client = await client_for(APIRouter())

    first, second = await client.get("/openapi.json"), await client.get("/openapi.json")

    assert (first.status_code, second.json()) == (200, first.json())
    assert len(made) == 1


async def test_the_frameworks_telemetry_which_tells_paths_is_off(
    client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await client_for(router)

    def told(*_: object) -> None:
        raise AssertionError("somebody is told of a request")

    for source in ("trace.get_tracer_provider", "metrics.get_meter_provider", "_logs.get_logger_provider"):
        monkeypatch.setattr(f"opentelemetry.{source}", told)

    assert (await client.get("/v4/open")).status_code == 200
