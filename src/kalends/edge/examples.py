"""Examples of bodies in the OpenAPI document, put together from what the models say of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

Schema = Mapping[str, Any]
Schemas = Mapping[str, Schema]

_REF = "#/components/schemas/"
_BY_TYPE: dict[str, Any] = {"boolean": False, "integer": 0, "number": 0, "null": None, "string": "string"}
_BY_FORMAT = {"date-time": "2031-03-04T09:00:00.000Z", "date": "2031-03-04", "uri": "https://www.acme.test/"}


def given(schema: Schema, schemas: Schemas) -> Any:
    """Find the example that a schema, what it refers to or one of its branches gives; None when none does."""
    schema = _resolved(schema, schemas)
    found = [*schema.get("examples", ()), *(given(branch, schemas) for branch in schema.get("anyOf", ()))]
    return next((example for example in found if example is not None), None)


def built(schema: Schema, schemas: Schemas) -> Any:
    """Put an example together: what fields give as theirs, else their default, else null where they may be null.

    Equal names have equal ids, and the `id` of a User is what others call `userId`.
    """
    return _built(schema, schemas, "id", may_be_null=False)


def _built(schema: Schema, schemas: Schemas, name: str, *, may_be_null: bool) -> Any:
    schema = _resolved(schema, schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        branches = [_resolved(branch, schemas) for branch in schema["anyOf"]]
        if may_be_null and any(branch.get("type") == "null" for branch in branches):
            return None
        return _built(branches[0], schemas, name, may_be_null=may_be_null)
    if schema.get("type") == "array":
        return [_built(schema.get("items", {}), schemas, name.removesuffix("s"), may_be_null=False)]
    if schema.get("type") == "object":
        own = schema.get("title", "")
        names = {"id": f"{own[:1].lower()}{own[1:]}Id"}
        return {
            key: _built(one, schemas, names.get(key, key), may_be_null=True)
            for key, one in schema.get("properties", {}).items()
        }
    if schema.get("format") == "uuid":
        return f"01977b2e-4c4a-7a31-9f0e-{crc32(name.encode()):012x}"
    return _BY_FORMAT.get(schema.get("format", "")) or _BY_TYPE.get(schema.get("type", ""))


def _resolved(schema: Schema, schemas: Schemas) -> Schema:
    """Follow a reference; what stands beside it counts more."""
    if "$ref" not in schema:
        return schema
    target = _resolved(schemas[schema["$ref"].removeprefix(_REF)], schemas)
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
