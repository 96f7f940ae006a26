"""The App's own life: it closes whatever its background task is doing."""

import asyncio

import pytest

from kalends.app import App


async def test_it_closes_though_its_task_misses_a_cancellation(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Python 3.12 asyncio.wait_for loses a cancellation that meets the end of what it waits for."""
    missed = asyncio.Event()

    async def miss_one() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if missed.is_set():
                raise
            missed.set()

    monkeypatch.setattr(app, "_notify", miss_one)
    app._wake.set()
    await asyncio.sleep(0)

    await asyncio.wait_for(app.aclose(), timeout=10)

    assert missed.is_set()
    assert "wake-workers" not in {task.get_name() for task in asyncio.all_tasks()}
