"""What `kalends doctor` says of online meetings."""

import pytest

from kalends.cli import conference_findings
from kalends.cli.finding import Finding
from kalends.settings import Settings

APP = {"zoom_account_id": "account", "zoom_client_id": "id", "zoom_client_secret": "secret"}


def _look(**values: str) -> dict[str, Finding]:
    return {one.what: one for one in conference_findings.providers(Settings.model_validate(values))}


def test_what_is_not_set_up_is_said_and_not_wrong() -> None:
    assert _look() == {
        "Zoom": Finding("Zoom", "not set up (KALENDS_ZOOM_ACCOUNT_ID)"),
        "Jitsi": Finding("Jitsi", "not set up (KALENDS_JITSI_URL)"),
    }


@pytest.mark.parametrize("name", APP)
def test_a_zoom_that_is_half_set_up_is_wrong(name: str) -> None:
    alone = _look(**{name: APP[name]})["Zoom"]
    without = _look(**{other: value for other, value in APP.items() if other != name})["Zoom"]

    missing = [f"KALENDS_{other.upper()}" for other in APP if other != name]
    assert alone.state == f"{' and '.join(missing)} not set"
    assert without.state == f"KALENDS_{name.upper()} not set"
    assert alone.mend
    assert without.mend


def test_a_zoom_with_all_its_settings_is_fine() -> None:
    assert _look(**APP)["Zoom"] == Finding("Zoom", "set up")


@pytest.mark.parametrize(
    ("url", "wrong"), [("https://meet.acme.test", False), ("http://localhost:8000", False), ("http://meet.test", True)]
)
def test_a_jitsi_without_camera_and_microphone_is_wrong(url: str, wrong: bool) -> None:
    found = _look(jitsi_url=url)["Jitsi"]

    assert found.state == f"rooms at {url}"
    assert (found.mend is not None) is wrong
