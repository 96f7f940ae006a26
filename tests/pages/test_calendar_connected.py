"""The page a browser ends on after a calendar was connected: ours in look and in every word."""

import html
import re
from urllib.parse import urljoin

import pytest
from httpx2 import AsyncClient

from tests.pages.conftest import Site

PAGE = "/calendar-connected"


@pytest.mark.parametrize(
    ("query", "headline"),
    [
        ("success=true&provider=google&connectionId=x", "Your Google calendar is connected"),
        ("success=true&provider=outlook", "Your Microsoft 365 calendar is connected"),
        ("success=true&provider=<b>", "Your calendar is connected"),
        ("error=true&provider=google&errorCode=calendar-access-denied&message=x", "Your calendar is not connected"),
        ("error=true", "Your calendar is not connected"),
        ("", "Your calendar is not connected"),
        ("success=true&lang=de", "Ihr Kalender ist verbunden"),
    ],
)
async def test_it_says_how_it_went(site: Site, query: str, headline: str) -> None:
    async with site.client() as client:
        answer = await client.get(f"{PAGE}?{query}")

    assert answer.status_code == 200
    assert f'<h1 data-heading tabindex="-1">{headline}</h1>' in answer.text


async def test_nothing_of_a_link_is_shown_but_sentences_of_ours(site: Site) -> None:
    async with site.client() as client:
        answer = await _article(client, "error=true&errorCode=ring-me&message=Please%20ring%20555&provider=Evil%20Corp")

    assert "555" not in answer
    assert "Evil" not in answer
    assert "begin again" in answer


async def test_it_says_the_same_in_another_language(site: Site) -> None:
    query = "error=true&provider=google&errorCode=calendar-not-connected"
    async with site.client() as client:
        english = await client.get(f"{PAGE}?{query}")
        [link] = re.findall(r'href="([^"]*lang=de[^"]*)"', english.text)
        german = await client.get(urljoin(str(english.url), html.unescape(link)))

    assert "This account cannot be used like this." in english.text
    assert "So kann dieses Konto nicht verwendet werden." in german.text


async def test_it_is_never_framed_stored_or_told_to_others(site: Site) -> None:
    async with site.client() as client:
        answer = await client.get(f"{PAGE}?success=true")

    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert answer.headers["x-robots-tag"] == "noindex"


async def _article(client: AsyncClient, query: str) -> str:
    answer = await client.get(f"{PAGE}?{query}")
    return answer.text.split("<article", 1)[1].split("</article>")[0]
