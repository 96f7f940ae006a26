import pytest

from kalends.app import App
from tests.jobs.stage import Stage, staged


@pytest.fixture
async def stage(app: App, conninfo: str) -> Stage:
    return await staged(app, conninfo)
