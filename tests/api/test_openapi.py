"""What the OpenAPI document says of the real routes: every operation can be read and tried without more than itself."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from tests.api.conftest import Api

JSON = "application/json"


async def _document(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = (await api.http.get("/openapi.json")).json()
    return found


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield f"{method.upper()} {path}", operation


def _bodies(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the body that is sent and those that answer when all goes well."""
    if "requestBody" in operation:
        yield "sent", operation["requestBody"]["content"][JSON]
    for status, response in operation["responses"].items():
        if status.startswith("2") and "content" in response:
            yield status, response["content"][JSON]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(part)


async def test_every_operation_has_a_summary_and_its_refusals(api: Api) -> None:
    operations = dict(_operations(await _document(api)))

    assert [name for name, operation in operations.items() if not operation.get("summary")] == []
    assert [name for name, operation in operations.items() if not {"500", "503"} <= set(operation["responses"])] == []


async def test_every_operation_has_a_name_of_its_own_and_its_parameters_are_written_as_fields_are(api: Api) -> None:
    operations = dict(_operations(await _document(api)))

    names = [operation["operationId"] for operation in operations.values()]
    parameters = [
        f"{name} {one['name']}"
        for name, operation in operations.items()
        for one in operation.get("parameters", [])
        if (one["in"] != "header" and "_" in one["name"]) or (one["in"] == "path" and f"{{{one['name']}}}" not in name)
    ]
    assert len(set(names)) == len(names) > 70
    assert operations["GET /availability"]["operationId"] == "listAvailabilitiesAlias"
    assert parameters == []
    assert [name for name in operations if "_" in name] == []


async def test_every_body_has_an_example_that_its_schema_accepts(api: Api) -> None:
    document = await _document(api)
    wrong: list[str] = []

    for name, operation in _operations(document):
        for which, body in _bodies(operation):
            schema = {**body["schema"], "components": document["components"]}
            examples = [one["value"] for one in body.get("examples", {}).values()]
            if not examples:
                wrong.append(f"{name} {which}: none")
            for example in examples:
                errors = jsonschema_rs.validator_for(schema).iter_errors(example)
                wrong += [f"{name} {which}: {error.message}" for error in errors]

    assert wrong == []


async def test_examples_of_answers_hold_no_placeholders(api: Api) -> None:
    placeholders = [
        f"{name} {which}"
        for name, operation in _operations(await _document(api))
        for which, body in _bodies(operation)
        if "string" in _texts([one["value"] for one in body.get("examples", {}).values()])
    ]

    assert placeholders == []


async def test_an_id_is_the_same_wherever_it_stands_in_the_examples(api: Api) -> None:
    paths = (await _document(api))["paths"]

    created = paths["/v4/user"]["post"]["responses"]["201"]["content"][JSON]["examples"]["usual"]["value"]
    user = paths["/v4/user/{userId}"]["get"]["responses"]["200"]["content"][JSON]["examples"]["usual"]["value"]
    own = paths["/v4/availability/{availabilityId}"]["get"]["responses"]["200"]["content"][JSON]["examples"]
    assert (created["userId"], created["meetingTypeId"]) == (user["id"], user["meetingTypeIds"][0])
    assert {created["availabilityId"], user["defaultAvailabilityId"]} == {own["usual"]["value"]["id"]}
