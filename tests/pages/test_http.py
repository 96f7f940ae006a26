"""What the pages answer, byte by byte: headers, escaping, secrets, nothing changed by looking."""

import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from httpx2 import Response
from whenever import Instant

from kalends.pages import guards, static
from kalends.storage import meeting_types, users
from tests import factories

from .conftest import NOW, Site
from .sending import START, booked, change_page, change_type, form_of, told_by_length


async def test_looking_changes_nothing(site: Site) -> None:
    """Case P04: a mail scanner opens every link."""
    async with site.client() as client:
        page = await booked(client, site)
        before = await site.appointments()

        for path in ("", "/cancel", "/move", "/move?start=2026-03-11T09:00:00Z", "/calendar.ics"):
            for method in ("GET", "HEAD"):
                assert (await client.request(method, page + path)).status_code == 200

    assert await site.appointments() == before


async def test_whatever_is_not_there_is_the_same_404(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        async with site.app.transaction() as conn:
            founded = await factories.company(conn, now=NOW)
            private = await factories.meeting_type(conn, site.host, now=NOW, enabled=False)
            gone = await factories.meeting_type(conn, site.host, now=NOW)
            await meeting_types.update(conn, site.host.company_id, gone.id, {"deleted_at": NOW})
            other = await users.get(conn, founded.company_id, founded.user_id)
            assert other
        confirmation = f"{site.meeting}/booked{page.removeprefix('/b')}"
        paths = [
            "/nobody-is-here",
            f"{site.person}/no-such-type",
            f"{site.person}/{private.slug}",
            f"{site.person}/{gone.slug}",
            f"{site.person}/theme.css",
            f"/{other.slug}/{site.type_slug}",
            f"{page}x",
            f"{page}x/move",
            f"{page}x/cancel",
            f"{page}x/calendar.ics",
            f"/b/{uuid4()}/{page.split('/')[-1]}",
            f"/b/no-id/{page.split('/')[-1]}",
            f"{confirmation}x",
            confirmation.replace(site.host.slug, other.slug),
        ]
        answers = {path: await client.get(path) for path in paths}
        posted = await client.post(f"{page}x/cancel", data={})

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 404)
    assert posted.status_code == 404
    assert len({_without_own_address(answer) for answer in (*answers.values(), posted)}) == 1


def _without_own_address(answer: Response) -> str:
    return answer.text.replace(answer.request.url.path, "")


@pytest.mark.parametrize("path", ["", "/cancel", "/move"])
async def test_pages_with_a_secret_are_kept_secret(site: Site, path: str) -> None:
    async with site.client() as client:
        page = await booked(client, site)

        answer = await client.get(page + path)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers


async def test_the_length_of_a_page_never_tells_that_a_secret_was_guessed(site: Site) -> None:
    """Squeezed together with what a link puts in, a secret that is the same made the page shorter (BREACH)."""
    async with site.client() as client:
        page = await booked(client, site)
        paths = (page, f"{page}/cancel", f"{page}/move", f"{site.meeting}/booked{page.removeprefix('/b')}")
        secret = page.split("/")[-1]
        told = [path for path in paths if await told_by_length(client, path, secret)]
        form = f"{site.meeting}?start=2026-03-11T09:00:00Z"
        told_by_form = await told_by_length(client, form, "Portfolio")
        told_by_month = await told_by_length(client, site.meeting, "Portfolio")

    assert told == []
    assert not told_by_form
    assert told_by_month  # where nothing is secret; else this test could not fail


async def test_booking_pages_may_be_framed_and_run_nothing_inline(site: Site) -> None:
    async with site.client() as client:
        answers = [await client.get(path) for path in (site.person, site.meeting, f"{site.meeting}?start={START}")]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert answer.status_code == 200
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors" not in policy
        assert not re.search(r"<script(?![^>]* src=)|\son\w+=|\sstyle=", answer.text)
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("loaded_into", "query", "framed"),
    [("iframe", "", True), ("frame", "", True), ("iframe", "?embed=false", False), ("document", "", False)],
)
async def test_a_page_loaded_into_a_frame_needs_no_script_to_be_a_framed_one(
    site: Site, loaded_into: str, query: str, framed: bool
) -> None:
    async with site.client(**{"Sec-Fetch-Dest": loaded_into}) as client:
        found = await client.get(f"{site.person}{query}")

    assert ('class="framed"' in found.text, f'href="{site.meeting}?embed=true' in found.text) == (framed, framed)


async def test_the_confirmation_may_be_framed_but_changes_nothing(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        answer = await client.get(f"{site.meeting}/booked{page.removeprefix('/b')}")

    assert answer.status_code == 200
    assert "frame-ancestors" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "<form" not in answer.text


async def test_markup_in_texts_is_shown_not_run(site: Site) -> None:
    evil = '"><script>alert(1)</script>'
    async with site.app.transaction() as conn:
        await users.update(conn, site.host.company_id, site.host.id, {"given_name": evil, "title": evil})
    await change_page(
        site,
        description=evil,
        headerImage=f"https://x.test/{evil}",
        onlineProfiles={
            "customLinks": [{"name": evil, "url": "javascript:alert(1)", "icon": ""}],
            "xing": "data:text/html,x",
        },
    )
    await change_type(site, name=evil)
    async with site.client() as client:
        form = await form_of(client, site, query=f"&name={evil}&utm={evil}")
        answer = await client.post(f"{site.meeting}?utm={evil}", data=form | {"name": f"{evil} Sommer", "note": evil})
        page = "/b" + urlsplit(answer.headers["location"]).path.split("/booked")[1]
        texts = [
            (await client.get(path)).text
            for path in (
                site.person, site.meeting, f"{site.meeting}?start=2026-03-10T10:00:00Z&email={evil}", page,
                f"{page}/move", f"{page}/cancel", answer.headers["location"], f"/{evil}", f"{site.meeting}?lang={evil}",
            )
        ]  # fmt: skip

    assert sum("&lt;script&gt;" in text for text in texts) >= 6
    for text in texts:
        assert "<script>" not in text
        assert "javascript:" not in text
        assert "data:text" not in text


async def test_a_meeting_whose_type_is_gone_is_not_moved(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        async with site.app.transaction() as conn:
            await meeting_types.update(conn, site.host.company_id, site.meeting_type_id, {"deleted_at": NOW})

        shown = await client.get(f"{page}/move")
        moved = await client.post(f"{page}/move", data={"start": "2026-03-11T09:00:00Z"})

    assert "can no longer be moved here" in shown.text
    assert "can no longer be booked" in moved.text
    [appointment] = await site.appointments()
    assert appointment.start_at == Instant(START)


@pytest.mark.parametrize("change", [{"enabled": False}, {"deleted_at": NOW}], ids=["disabled", "deleted"])
async def test_another_time_is_offered_only_where_there_are_any(site: Site, change: dict[str, object]) -> None:
    link = f'href="{site.meeting}">Book another time'
    async with site.client() as client:
        page = await booked(client, site)
        confirmation = f"{site.meeting}/booked{page.removeprefix('/b')}"
        while_booked = await client.get(confirmation)
        await client.post(f"{page}/cancel", data={})
        while_offered = await client.get(page)
        async with site.app.transaction() as conn:
            await meeting_types.update(conn, site.host.company_id, site.meeting_type_id, change)
        after = await client.get(page)

    assert link in while_booked.text
    assert link in while_offered.text
    assert "This meeting is cancelled" in after.text
    assert "Book another time" not in after.text


async def test_the_calendar_file_is_the_appointment(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        answer = await client.get(f"{page}/calendar.ics")

    [appointment] = await site.appointments()
    assert answer.headers["content-type"].startswith("text/calendar")
    assert f"UID:{appointment.id}@kalends" in answer.text
    assert "DTSTART:20260310T090000Z" in answer.text
    assert "METHOD:PUBLISH" in answer.text


async def test_other_calendars_are_told_the_meeting_and_no_secret(site: Site) -> None:
    await change_type(site, channel="custom", customChannelName="Room", customChannelLink="https://meet.test/ada")
    async with site.client() as client:
        page = await booked(client, site)
        shown = await client.get(f"{page}?timezone=America/New_York")

    links = [urlsplit(unescape(link)) for link in re.findall(r'href="(https://[^"]+)"', shown.text)]
    queries = {link.netloc: {key: found[0] for key, found in parse_qs(link.query).items()} for link in links}
    title = f"Portfolio review – {site.host.full_name}"
    assert queries["calendar.google.com"] == {
        "action": "TEMPLATE", "text": title, "dates": "20260310T090000Z/20260310T093000Z",
        "details": "We look at your work.", "location": "https://meet.test/ada",
    }  # fmt: skip
    assert queries["outlook.live.com"] == {
        "path": "/calendar/action/compose", "rru": "addevent", "subject": title, "startdt": START,
        "enddt": "2026-03-10T09:30:00Z", "body": "We look at your work.", "location": "https://meet.test/ada",
    }  # fmt: skip
    secret = page.split("/")[-1]
    assert not [link for link in links if secret in link.geturl()]


async def test_a_person_shows_what_he_offers_in_his_order(site: Site) -> None:
    async with site.app.transaction() as conn:
        second = await factories.meeting_type(conn, site.host, now=NOW, meeting_info={"name": "Second"})
        await factories.meeting_type(conn, site.host, now=NOW, meeting_info={"name": "Hidden"}, enabled=False)
    await change_page(
        site,
        meetingTypeOrder=[str(second.id), str(site.meeting_type_id)],
        showAllMeetingTypes=False,
        description="I look at portfolios.",
        onlineProfiles={"linkedIn": "https://linkedin.test/ada", "email": "ada@acme.test"},
    )
    async with site.client() as client:
        page = await client.get(site.person)

    names = re.findall(r"<h2>([^<]+)</h2>", page.text)
    assert names == ["Second", "Portfolio review"]
    assert "I look at portfolios." in page.text
    assert 'href="https://linkedin.test/ada"' in page.text
    assert 'href="mailto:ada@acme.test"' in page.text


@pytest.mark.parametrize("colours", [{}, {"useCustomColors": True, "primaryColor": "#f5b301"}], ids=["ours", "own"])
async def test_the_styles_in_a_page_are_those_its_policy_allows(site: Site, colours: dict[str, object]) -> None:
    await change_page(site, **colours)
    async with site.client() as client:
        page = await booked(client, site)
        paths = (site.person, site.meeting, f"{site.meeting}?start=2026-03-11T09:00:00Z", page, f"{page}/move")
        answers = [await client.get(path) for path in (*paths, "/nobody-is-here")]

    for answer in answers:
        sheets = re.findall(r"<style>([^<]+)</style>", answer.text)
        hashes = [b64encode(sha256(sheet.encode()).digest()).decode() for sheet in sheets]
        allowed = re.search(r"style-src ([^;]+)", answer.headers["content-security-policy"])
        assert allowed
        assert allowed[1].split() == [f"'sha256-{one}'" for one in hashes]
        own = ["--brand:light-dark(#f5b301,#f5b301)" in sheet for sheet in sheets]
        assert own == ([False, True] if colours and answer.status_code == 200 else [False])


async def test_guessing_secrets_is_limited_by_address(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "SECRETS", (0.01, 3))
    async with site.client() as client:
        page = f"/b/{uuid4()}/{'x' * 43}"
        answers = [await client.get(page) for _ in range(4)]
        elsewhere = await client.get(page, headers={"X-Forwarded-For": "203.0.113.9"})

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert elsewhere.status_code == 404


async def test_a_secret_dies_thirty_days_after_the_appointment(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        site.clock.instant = Instant("2026-04-09T09:29:00Z")
        last = await client.get(page)
        site.clock.instant = Instant("2026-04-09T09:31:00Z")
        dead = await client.get(page)

    assert "This meeting is over" in last.text
    assert dead.status_code == 404


async def test_unbuilt_names_are_no_files(site: Site) -> None:
    async with site.client() as client:
        names = ("app.css.gz", "app.css.br", "../pages/static.py", "x")
        answers = [await client.get(f"/static/{name}") for name in names]
        plain = await client.get("/static/app.css", headers={"Accept-Encoding": "identity"})

    assert [answer.status_code for answer in answers] == [404, 404, 404, 404]
    assert "content-encoding" not in plain.headers
    assert plain.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("taken", "coding"),
    [("gzip, deflate, br, zstd", "br"), ("gzip, deflate", "gzip"), ("br;q=0, gzip", "gzip"), ("identity", None)],
)
async def test_a_script_comes_packed_as_well_as_the_browser_takes_it(
    site: Site, taken: str, coding: str | None
) -> None:
    async with (
        site.client(**{"Accept-Encoding": taken}) as client,
        client.stream("GET", "/static/booking.js?v=1") as answer,
    ):
        sent = b"".join([part async for part in answer.aiter_raw()])

    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "accept-encoding" in answer.headers["vary"].lower()
    packed = static.FOLDER / ("booking.js" + {"br": ".br", "gzip": ".gz", None: ""}[coding])
    assert sent == packed.read_bytes()


@pytest.mark.parametrize("name", ["%00", "x" * 300, "..%2f..%2fstatic.py", "app.css%00.gz"])
async def test_what_can_be_no_files_name_is_not_found(site: Site, name: str) -> None:
    async with site.client() as client:
        answers = [
            await client.get(f"/static/{name}", headers={"Accept-Encoding": coding}) for coding in ("gzip", "identity")
        ]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize(
    "query",
    [
        "month=9999-12", "month=0001-01", "day=9999-12-31", "day=0001-01-01", "start=9999-12-31T23:59:59Z",
        "start=0001-01-01T00:00:00Z", "month=4999-12", "start=4999-12-31T23:59:59Z", "start=1971-01-01T00:00:00Z",
    ],
)  # fmt: skip
async def test_the_ends_of_time_are_pages_like_others(site: Site, query: str) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        form = await form_of(client, site, "2026-03-11T09:00:00Z")
        start = query.removeprefix("start=") if query.startswith("start") else "9999-12-31T23:59:59Z"

        shown = [await client.get(f"{path}?{query}") for path in (site.meeting, f"{page}/move")]
        sent = [await client.post(f"{page}/move", data={"start": start}),
                await client.post(site.meeting, data=form | {"start": start})]  # fmt: skip

    assert [answer.status_code for answer in shown] == [200, 200]
    assert {answer.status_code for answer in sent} <= {303, 409}
    assert len(await site.appointments()) == 1


async def test_an_error_behind_a_secret_is_kept_secret_too(site: Site) -> None:
    async with site.client() as client:
        answer = await client.get(f"{site.meeting}/booked/{uuid4()}/{'x' * 43}", headers={"Accept": "*/*"})

    assert answer.status_code == 404
    assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-store")
    assert answer.headers["x-robots-tag"] == "noindex"
