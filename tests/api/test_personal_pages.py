"""The personal page over HTTP (contract 2.13)."""

from typing import Any

import pytest

from tests.api.conftest import Api, CompanyMaker

PATH = "/v4/personal-page/me"
PROFILES = {
    "linkedIn": None,
    "facebook": None,
    "twitter": None,
    "instagram": None,
    "xing": None,
    "phone": None,
    "email": None,
    "addressStreet": None,
    "addressCity": None,
    "addressPostalCode": None,
    "addressCountry": None,
    "customLinks": [],
}
UNTOUCHED = {
    "useCustomColors": False,
    "primaryColor": None,
    "secondaryColor": None,
    "headerImage": None,
    "description": None,
    "showAllMeetingTypes": True,
    "meetingTypeOrder": [],
    "onlineProfiles": PROFILES,
}


async def test_an_untouched_page_has_every_key(api: Api) -> None:
    answer = await api.get(PATH)

    assert (answer.status_code, answer.json()) == (200, UNTOUCHED)


async def test_a_page_keeps_what_it_is_given(api: Api) -> None:
    page = {
        "useCustomColors": True,
        "primaryColor": "#0b5fff",
        "secondaryColor": "#FFF",
        "headerImage": "https://img.acme.test/a.png",
        "description": "Family doctor\nin Vienna",
        "showAllMeetingTypes": False,
        "meetingTypeOrder": [str(api.company.meeting_type_id)],
        "onlineProfiles": {
            **PROFILES,
            "linkedIn": "https://www.linkedin.test/in/ada",
            "phone": "+43 660 1234567",
            "email": "ada@acme.test",
            "addressCity": "Vienna",
            "customLinks": [
                {"name": "Mail", "url": "mailto:ada@acme.test", "icon": "mail"},
                {"name": "Call", "url": "tel:+436601234567", "icon": None},
                {"name": "Site", "url": "http://acme.test/", "icon": None},
            ],
        },
    }

    answer = await api.patch(PATH, page)

    assert (answer.status_code, answer.json()) == (200, page)
    assert (await api.get(PATH)).json() == page
    assert (await api.get("/v4/user/me")).json()["personalPage"] == page


async def test_empty_texts_forget_and_links_are_completed(api: Api) -> None:
    profiles = {"linkedIn": "https://www.linkedin.test/in/ada", "phone": "123", "email": "ada@acme.test"}
    await api.patch(PATH, {"primaryColor": "#000", "headerImage": "https://a.test/", "onlineProfiles": profiles})

    empty = {"linkedIn": "", "phone": "", "email": "", "xing": "xing.com/profile/Ada"}
    answer = await api.patch(PATH, {"primaryColor": "", "headerImage": "", "onlineProfiles": empty})

    kept = {**PROFILES, "xing": "https://xing.com/profile/Ada"}
    assert (answer.status_code, answer.json()) == (200, {**UNTOUCHED, "onlineProfiles": kept})


async def test_types_of_another_company_are_not_found(api: Api, another_company: CompanyMaker) -> None:
    stranger = await another_company()
    gone = (await api.get("/v4/meeting-type")).json()[0]["id"]
    await api.delete(f"/v4/meeting-type/{gone}")

    foreign = await api.patch(PATH, {"meetingTypeOrder": [str(stranger.company.meeting_type_id)]})
    deleted = await api.patch(PATH, {"meetingTypeOrder": [gone]})

    assert (foreign.status_code, foreign.json()["errorCode"]) == (404, "meeting-type-not-found")
    assert (deleted.status_code, deleted.json()["meetingTypeOrder"]) == (200, [gone])


async def test_only_what_is_sent_changes(api: Api) -> None:
    await api.patch(
        PATH, {"primaryColor": "#000", "description": "a", "onlineProfiles": {"phone": "123", "addressCity": "Graz"}}
    )

    answer = await api.patch(
        PATH,
        {"description": None, "useCustomColors": None, "onlineProfiles": {"phone": None, "xing": "https://x.test"}},
    )

    assert answer.json() == {
        **UNTOUCHED,
        "primaryColor": "#000",
        "onlineProfiles": {**PROFILES, "addressCity": "Graz", "xing": "https://x.test"},
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"primaryColor": "red"}, "primaryColor"),
        ({"secondaryColor": "#12345"}, "secondaryColor"),
        ({"primaryColor": "#fff;}\n"}, "primaryColor"),
        ({"headerImage": "javascript:alert(1)"}, "headerImage"),
        ({"headerImage": "//img.test/a.png"}, "headerImage"),
        ({"headerImage": "https://a b.test"}, "headerImage"),
        ({"description": "x" * 20_001}, "description"),
        ({"meetingTypeOrder": ["x"]}, "meetingTypeOrder.0"),
        ({"onlineProfiles": {"linkedIn": "ada"}}, "onlineProfiles.linkedIn"),
        ({"onlineProfiles": {"phone": "call me"}}, "onlineProfiles.phone"),
        ({"onlineProfiles": {"email": "ada"}}, "onlineProfiles.email"),
        ({"onlineProfiles": {"addressCity": "a\r\nb"}}, "onlineProfiles.addressCity"),
        ({"onlineProfiles": {"customLinks": [{"name": "x", "url": "data:x"}]}}, "onlineProfiles.customLinks.0.url"),
        ({"onlineProfiles": {"customLinks": [{"name": "x", "url": "mailto:x"}]}}, "onlineProfiles.customLinks.0.url"),
        ({"onlineProfiles": {"customLinks": [{"name": "x", "url": "tel:x"}]}}, "onlineProfiles.customLinks.0.url"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(api: Api, body: dict[str, Any], field: str) -> None:
    answer = await api.patch(PATH, body)

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert (await api.get(PATH)).json() == UNTOUCHED


async def test_everybody_has_a_page_of_his_own(api: Api) -> None:
    member = await api.member()

    await member.patch(PATH, {"description": "Ben"})

    assert (await member.get(PATH)).json()["description"] == "Ben"
    assert (await api.get(PATH)).json() == UNTOUCHED
