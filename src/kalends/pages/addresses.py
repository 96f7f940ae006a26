"""Addresses of people's pages: only what can be a person's name reaches them; the rest is left to other routes."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from starlette.convertors import StringConvertor, register_url_convertor

from kalends.domain import slugs

_RESERVED: Final = "|".join(map(re.escape, slugs.RESERVED))


class UserSlug(StringConvertor):
    """The part of a path that can be a user's slug; never a name other routes need, nor anything below one."""

    regex: ClassVar[str] = rf"(?!(?:{_RESERVED})(?:/|$))[a-z0-9-]{{{slugs.USER_MIN},{slugs.MAX}}}"


register_url_convertor("user", UserSlug())  # pages write {user_slug:user}; needed before the first of them does

PERSON: Final = "/{user_slug:user}"
MEETING: Final = PERSON + "/{type_slug}"
