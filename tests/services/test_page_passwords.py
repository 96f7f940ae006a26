"""Passwords of meeting types."""

from typing import Any

import pytest

from kalends.services import page_passwords
from kalends.services.page_passwords import BookingPasswordWrong
from kalends.storage.database import Connection
from tests import factories


@pytest.mark.parametrize("given", ["Öffne dich", None])
@pytest.mark.parametrize("stored", [None, {"enable": False, "password": "Sesam"}, {"enable": True, "password": None}])
async def test_a_type_without_a_password_asks_for_none(conn: Connection, stored: Any, given: str | None) -> None:
    company = await factories.company(conn)
    kind = await factories.meeting_type(conn, company, meeting_options={"bookingPagePassword": stored})

    page_passwords.check(kind, given)

    assert not page_passwords.needed(kind)


async def test_only_the_very_password_opens_a_type(conn: Connection) -> None:
    company = await factories.company(conn)
    stored = {"enable": True, "password": "Öffne dich"}
    kind = await factories.meeting_type(conn, company, meeting_options={"bookingPagePassword": stored})

    page_passwords.check(kind, "Öffne dich")

    assert page_passwords.needed(kind)
    for wrong in ("", None, "öffne dich", "Öffne dich ", "Öffne", "\N{HOT BEVERAGE}"):
        with pytest.raises(BookingPasswordWrong) as refused:
            page_passwords.check(kind, wrong)
        assert [one.field for one in refused.value.errors] == ["bookingPassword"]
