import pytest

from kalends.app import App
from tests.jobs.host_calendar import HostCalendar, of_owner
from tests.jobs.stage import Stage, staged


@pytest.fixture
async def stage(app: App, conninfo: str) -> Stage:
    return await staged(app, conninfo)


@pytest.fixture
async def calendar(stage: Stage) -> HostCalendar:
    """A calendar that blocks its host; what he does there cancels nothing."""
    return await of_owner(stage)


@pytest.fixture
async def following(stage: Stage) -> HostCalendar:
    """A calendar whose deletions and refusals cancel appointments."""
    return await of_owner(stage, cancel_if_declined_or_deleted=True)
