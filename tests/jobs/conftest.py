import pytest

from kalends.app import App
from tests import factories
from tests.jobs.stage import NOW, Stage


@pytest.fixture
async def stage(app: App, conninfo: str) -> Stage:
    async with app.transaction() as conn:
        founded = await factories.company(conn, now=NOW)
        meeting_type = await factories.meeting_type(conn, founded, now=NOW)
    stage = Stage(app, conninfo, founded, meeting_type.id)
    app.now = stage.clock
    return stage
