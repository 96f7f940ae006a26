"""One company for each test of the services."""

import pytest

from kalends.services.companies import Founded
from kalends.storage.database import Connection
from tests import factories
from tests.ordering import NOW


@pytest.fixture
async def company(conn: Connection) -> Founded:
    return await factories.company(conn, now=NOW)
