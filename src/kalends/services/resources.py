"""Resources: users nobody invites, such as rooms, with several units and buffers of their own."""

from __future__ import annotations

from collections.abc import Mapping

from kalends.errors import FieldError, Invalid
from kalends.storage.users import UserType

# What only resources have, as the contract names it, and what everybody else has instead.
FIELDS: Mapping[str, tuple[str, int]] = {
    "capacity": ("capacity", 1),
    "buffer_before": ("bufferBefore", 0),
    "buffer_after": ("bufferAfter", 0),
}


def check(user_type: UserType, values: Mapping[str, int]) -> None:
    """Refuse units and buffers of somebody who is no resource.

    Args:
        values: all of `FIELDS`.

    Raises:
        Invalid: naming what he cannot have.
    """
    if user_type == "resource":
        return
    wrong = [name for column, (name, usual) in FIELDS.items() if values[column] != usual]
    if wrong:
        raise Invalid("Validation failed", errors=[FieldError(name, "can be set for resources only") for name in wrong])
