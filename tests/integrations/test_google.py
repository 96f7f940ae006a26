"""Google Calendar, against a Google on a port of this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from whenever import Instant

from kalends.ports import Credential
from tests.fakes.google import FakeGoogle, GoogleOther
from tests.integrations.conformance import OWNER, Bench, CalendarConformance


class TestConformance(CalendarConformance):
    @pytest.fixture
    async def bench(self, google: FakeGoogle) -> Bench:
        host = google.account(OWNER)
        work = host.calendar("Work")
        provider = google.provider(clock=Instant.now)
        connected = await google.connect(provider)

        @asynccontextmanager
        async def outage() -> AsyncIterator[Credential]:
            with google.outage():
                yield connected.credential

        async def refused() -> Credential:
            google.revoke(host)
            return connected.credential

        return Bench(provider, connected.credential, work.summary, GoogleOther(google, host), outage, refused)
