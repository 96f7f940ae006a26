"""ETags of what the API answers to GET."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, Response
from httpx2 import AsyncClient

from kalends.edge import etags
from kalends.errors import NotFound
from tests.edge.conftest import ClientFor

router = APIRouter()
PATH = "/v4/words"


@router.get(PATH)
async def words(text: str = "hello") -> dict[str, str]:
    return {"text": text}


@router.get("/v4/tagged")
async def tagged() -> Response:
    return Response("hello", headers={"ETag": '"of its own"'})


@router.get("/v4/nothing")
async def nothing() -> None:
    raise NotFound


@router.get("/v4/empty", status_code=204)
async def empty() -> None:
    return None


@router.get("/page")
async def page() -> Response:
    return Response("hello")


@router.post(PATH)
async def write() -> dict[str, str]:
    return {"text": "hello"}


@pytest.fixture
async def client(client_for: ClientFor) -> AsyncClient:
    return await client_for(router)


async def test_equal_bytes_have_an_equal_tag_and_others_another(client: AsyncClient) -> None:
    first, again = await client.get(PATH), await client.get(PATH)
    other = await client.get(PATH, params={"text": "bye"})

    assert first.headers["etag"] == again.headers["etag"] != other.headers["etag"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{} ,"more"', "*"])
async def test_who_has_the_answer_gets_304_without_a_body(client: AsyncClient, form: str) -> None:
    known = await client.get(PATH)

    answer = await client.get(PATH, headers={"If-None-Match": form.format(known.headers["etag"])})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == known.headers["etag"]
    assert {"content-type", "content-length"} & set(answer.headers) == set()
    assert answer.headers["cache-control"] == known.headers["cache-control"]
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize("known", ['"other"', "", "hello"])
async def test_who_has_another_answer_gets_this_one(client: AsyncClient, known: str) -> None:
    answer = await client.get(PATH, headers={"If-None-Match": known})

    assert (answer.status_code, answer.json()) == (200, {"text": "hello"})


async def test_a_head_has_the_tag_of_its_get(client: AsyncClient) -> None:
    known = (await client.get(PATH)).headers["etag"]

    plain = await client.head(PATH)
    conditional = await client.head(PATH, headers={"If-None-Match": known})

    assert (plain.status_code, plain.headers["etag"], plain.content) == (200, known, b"")
    assert conditional.status_code == 304


@pytest.mark.parametrize(("known", "status"), [('"other"', 200), ('"of its own"', 304), ('W/"of its own"', 304)])
async def test_an_answer_that_brings_its_tag_is_not_given_another(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, known: str, status: int
) -> None:
    hashed: list[bytes] = []
    monkeypatch.setattr(etags, "tag_of", hashed.append)

    answer = await client.get("/v4/tagged", headers={"If-None-Match": known})

    assert (answer.status_code, answer.headers.get_list("etag"), hashed) == (status, ['"of its own"'], [])
    assert answer.text == ("hello" if status == 200 else "")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v4/nothing", 404), ("GET", "/v4/empty", 204), ("POST", PATH, 200), ("GET", "/page", 200)],
)
async def test_only_what_a_get_of_the_api_finds_has_a_tag(
    client: AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path, headers={"If-None-Match": "*"})

    assert answer.status_code == status
    assert "etag" not in answer.headers


async def test_the_document_tells_of_tags(client: AsyncClient) -> None:
    operation = (await client.get("/openapi.json")).json()["paths"][PATH]["get"]

    assert "If-None-Match" in [one["name"] for one in operation["parameters"]]
    assert "ETag" in operation["responses"]["200"]["headers"]
    assert "ETag" in operation["responses"]["304"]["headers"]
    assert "content" not in operation["responses"]["304"]
