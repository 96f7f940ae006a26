"""Settings: what is read, what is refused and how that is said, and that the documentation lists them all."""

import os
import re
from pathlib import Path

import pytest

from kalends import settings
from kalends.settings import Settings, SettingsWrong

DOCS = Path(__file__).parents[1] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("KALENDS_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_docs_list_every_setting_with_its_default() -> None:
    rows = re.findall(r"(?m)^\| `(KALENDS_\w+)` \| (.+?) \|", DOCS.read_text())
    documented = dict(rows)

    assert len(rows) == len(documented)
    assert set(documented) == {settings.variable(field) for field in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default = documented[settings.variable(name)]
        if field.default_factory is not None or name == "base_url":
            continue  # described in words; the next tests hold them
        assert default.startswith("none" if field.default in (None, (), "") else f"`{field.default}`"), name


def test_without_any_setting_everything_has_its_default() -> None:
    found = settings.load()

    assert found.data_dir == settings.default_data_dir()
    assert found.public_url == "http://127.0.0.1:8000"
    assert (found.database_url, found.secret_key, found.smtp_url, found.trusted_proxies) == (None, None, None, ())


@pytest.mark.parametrize(("user", "folder"), [(0, Path("/var/lib/kalends")), (1000, Path("kalends-data"))])
def test_root_keeps_its_data_where_the_system_does(monkeypatch: pytest.MonkeyPatch, user: int, folder: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)

    assert settings.load().data_dir == folder


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KALENDS_DATABASE_URL", "mysql"),
        ("KALENDS_DATABASE_URL", "mysql://u:hunter2@h/db"),
        ("KALENDS_BASE_URL", "kalends.example.com"),
        ("KALENDS_BASE_URL", "https://kalends.example.com/sub"),
        ("KALENDS_BASE_URL", "ftp://kalends.example.com"),
        ("KALENDS_BASE_URL", "https://h:99999"),
        ("KALENDS_PORT", "http"),
        ("KALENDS_PORT", "65536"),
        ("KALENDS_SECRET_KEY", "hunter2"),
        ("KALENDS_RATE_LIMIT_PER_MINUTE", "0"),
        ("KALENDS_RATE_LIMIT_BURST", "-1"),
        ("KALENDS_SMTP_URL", "mail.example.com:587"),
        ("KALENDS_SMTP_URL", "http://u:hunter2@mail.example.com"),
        ("KALENDS_MAIL_FROM", "Acme"),
        ("KALENDS_MAIL_FROM", "Acme <meetings at acme>"),
        ("KALENDS_LOG_FORMAT", "xml"),
        ("KALENDS_TRUSTED_PROXIES", "10.0.0.0/8,proxy"),
        ("KALENDS_OUTGOING_NETWORKS", "nextcloud.local"),
        ("KALENDS_REDIRECT_ORIGINS", "https://app.acme.example,app.acme.example"),
        ("KALENDS_REDIRECT_ORIGINS", "https://app.acme.example/path"),
        ("KALENDS_REDIRECT_ORIGINS", "https://bücher.example"),
        ("KALENDS_REDIRECT_ORIGINS", "https://@app.acme.example"),
        ("KALENDS_PREVIOUS_SECRET_KEYS", "hunter2"),
        ("KALENDS_MICROSOFT_TENANT", "common/.."),
        ("KALENDS_JITSI_URL", "meet.acme.example"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_and_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsWrong) as caught:
        settings.load()

    (sentence,) = caught.value.sentences
    field = Settings.model_fields[name.removeprefix("KALENDS_").lower()]
    assert sentence == f"{name} cannot be used: expected {field.description}."
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "sender"),
    [
        ({}, "kalends <no-reply@localhost>"),
        ({"BASE_URL": "http://[::1]:8000"}, "kalends <no-reply@localhost>"),
        ({"BASE_URL": "https://meet.acme.example"}, "kalends <no-reply@meet.acme.example>"),
        ({"MAIL_FROM": "Acme <meetings@acme.example>"}, "Acme <meetings@acme.example>"),
    ],
)
def test_mails_without_a_sender_set_come_from_the_public_host(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], sender: str
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"KALENDS_{name}", value)

    assert settings.load().sender == sender


def test_every_wrong_setting_gets_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALENDS_PORT", "http")
    monkeypatch.setenv("KALENDS_LOG_FORMAT", "xml")

    with pytest.raises(SettingsWrong) as caught:
        settings.load()

    assert len(caught.value.sentences) == 2


def test_the_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.joinpath(".env").write_text("KALENDS_PORT=9001\nKALENDS_HOST=localhost\nKALENDS_PROT=1\nOTHER=1\n")
    monkeypatch.setenv("KALENDS_PORT", "9002")

    found = settings.load()

    assert (found.host, found.port) == ("localhost", 9002)
    assert settings.unknown_names() == ["KALENDS_PROT"]


def test_an_empty_value_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALENDS_DATABASE_URL", "")
    monkeypatch.setenv("KALENDS_PORT", "")

    assert settings.load() == Settings()


@pytest.mark.parametrize(
    ("base_url", "host", "public"),
    [
        ("https://meet.acme.example/", "127.0.0.1", "https://meet.acme.example"),
        ("", "localhost", "http://localhost:8123"),
        ("", "0.0.0.0", "http://127.0.0.1:8123"),
        ("", "::1", "http://[::1]:8123"),
    ],
)
def test_the_public_address_follows_what_is_listened_at(
    monkeypatch: pytest.MonkeyPatch, base_url: str, host: str, public: str
) -> None:
    monkeypatch.setenv("KALENDS_BASE_URL", base_url)

    assert settings.load().listening_at(host, 8123).public_url == public


def test_trusted_proxies_are_networks_and_single_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALENDS_TRUSTED_PROXIES", "10.0.0.0/8, 192.168.1.7,fd00::/8")

    assert [str(network) for network in settings.load().trusted_proxies] == ["10.0.0.0/8", "192.168.1.7/32", "fd00::/8"]


def test_lists_are_joined_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALENDS_OUTGOING_NETWORKS", "192.168.0.0/16,127.0.0.1")
    monkeypatch.setenv("KALENDS_REDIRECT_ORIGINS", "https://app.acme.example/, http://localhost:3000")
    monkeypatch.setenv("KALENDS_PREVIOUS_SECRET_KEYS", f"{'a' * 32},{'b' * 40}")

    found = settings.load()

    assert [str(network) for network in found.outgoing_networks] == ["192.168.0.0/16", "127.0.0.1/32"]
    assert found.redirect_origins == ("https://app.acme.example", "http://localhost:3000")
    assert [key.get_secret_value() for key in found.previous_secret_keys] == ["a" * 32, "b" * 40]
