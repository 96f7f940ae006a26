"""How jobs that break come back: after a pause that grows, since most break because the database went away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.middleware import AsyncCallNext
from procrastinate.worker import Worker

from kalends.domain import retry
from kalends.edge.logs import describe
from kalends.errors import Upstream

log = structlog.get_logger("kalends.jobs")

LONGEST_JOB_S = 120  # no job takes longer; stalled jobs are told from it
LONGEST_REMOTE_S = 100  # what is remote is given up in time to be noted as put off


class Patience(BaseRetryStrategy):
    """Retries whatever broke, with the delays of domain/retry.py."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Decide when a broken job runs again; None: it stays failed, for somebody to look at."""
        delay = retry.job_delay(job.attempts + 1)
        return None if delay is None else RetryDecision(retry_in={"seconds": delay})


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """Break off what is asked of somebody remote in time to note that.

    Raises:
        Upstream: it took too long in all, though no single request did.
    """
    try:
        async with asyncio.timeout(LONGEST_REMOTE_S):
            yield
    except TimeoutError:
        raise Upstream("it takes too long in all") from None


async def limited(call_next: AsyncCallNext, context: JobContext, worker: Worker) -> Any:
    """Break off a job that takes longer than any may: it counts as broken, which the log tells at once."""
    try:
        async with asyncio.timeout(LONGEST_JOB_S):
            return await call_next()
    except Exception as error:
        log.error("job.broken", task=context.job.task_name, job=context.job.id, **describe(error))
        raise
