"""What the operator decides: read once from the environment and `.env`, typed, refused loudly (docs/settings.md)."""

import os
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import psycopg
from dotenv import dotenv_values
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kalends.domain import redirects

PREFIX = "KALENDS_"
ENV_FILE = ".env"
TEST_PREFIX = PREFIX + "TEST_"
ROOT_DATA_DIR = Path("/var/lib/kalends")
SECRET_KEY_LENGTH = 32
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}

_Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode]


class SettingsWrong(Exception):
    """Some settings cannot be used; `sentences` holds one for each, with its name and what is expected."""

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences
        super().__init__("\n".join(sentences))


def default_data_dir() -> Path:
    """Name the data folder used without a setting: the system's for root, else one in the working directory."""
    return ROOT_DATA_DIR if os.geteuid() == 0 else Path("kalends-data")


class Settings(BaseSettings):
    """Every setting; the description of a field says what is expected of it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(default_factory=default_data_dir, description="a folder")
    database_url: SecretStr | None = Field(
        default=None, description="the address of a PostgreSQL 15 or newer, as postgresql://user:password@host/database"
    )
    base_url: str = Field(default="", description="an address such as https://kalends.example.com, without path")
    host: str = Field(default="127.0.0.1", description="a host name or an IP address")
    port: int = Field(default=8000, ge=0, le=65535, description="a number from 0 to 65535 (0: any free port)")
    secret_key: SecretStr | None = Field(
        default=None, description=f"at least {SECRET_KEY_LENGTH} characters that nobody can guess"
    )
    rate_limit_per_minute: int = Field(default=100, ge=1, description="a number of requests, at least 1")
    rate_limit_burst: int = Field(default=200, ge=0, description="a number of requests (0: no limit)")
    smtp_url: SecretStr | None = Field(
        default=None, description="a mail server, as smtp://user:password@host:587 or smtps://user:password@host:465"
    )
    mail_from: str = Field(default="", description="a sender such as 'Acme <meetings@acme.example>'")
    log_format: Literal["json", "console"] = Field(default="json", description="json or console")
    trusted_proxies: _Networks = Field(
        default=(), description="addresses or networks joined by commas, such as 10.0.0.0/8,192.168.1.7"
    )
    previous_secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(), description=f"keys of at least {SECRET_KEY_LENGTH} characters, joined by commas"
    )
    outgoing_networks: _Networks = Field(
        default=(), description="addresses or networks joined by commas, such as 192.168.0.0/16"
    )
    redirect_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="addresses such as https://app.acme.example, without path, joined by commas"
    )
    google_client_id: str = Field(default="", description="the id of an OAuth client of Google's")
    google_client_secret: SecretStr | None = Field(default=None, description="the secret of that client")
    microsoft_client_id: str = Field(default="", description="the id of an application registered with Microsoft")
    microsoft_client_secret: SecretStr | None = Field(default=None, description="a client secret of that application")
    microsoft_tenant: str = Field(
        default="common", pattern=r"^[A-Za-z0-9.-]+$", description="common, organizations, or the id of one tenant"
    )
    zoom_account_id: str = Field(default="", description="the account id of a server-to-server OAuth app of Zoom's")
    zoom_client_id: str = Field(default="", description="the client id of that app")
    zoom_client_secret: SecretStr | None = Field(default=None, description="the client secret of that app")
    jitsi_url: str = Field(default="", description="the address of a Jitsi Meet, such as https://meet.acme.example")

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, url: SecretStr | None) -> SecretStr | None:
        if url:
            try:
                parts = conninfo_to_dict(url.get_secret_value())
            except psycopg.ProgrammingError as error:
                raise ValueError("not an address of a database") from error
            if not parts:
                raise ValueError("not an address of a database")
        return url

    @field_validator("base_url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        return _origin(url) if url else url

    @field_validator("redirect_origins", mode="before")
    @classmethod
    def _are_origins(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found = tuple(map(_origin, _parts(value)))
        if not all(redirects.is_allowed(one, found) for one in found):
            raise ValueError("no browser could be sent there")  # a name outside ASCII is written xn--…
        return found

    @field_validator("jitsi_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        spare = parts.query or parts.fragment or parts.username
        if url and (parts.scheme not in ("http", "https") or not parts.hostname or spare or parts.port == 0):
            raise ValueError("not an address")
        return url.rstrip("/")

    @field_validator("secret_key")
    @classmethod
    def _is_long(cls, key: SecretStr | None) -> SecretStr | None:
        if key and len(key.get_secret_value()) < SECRET_KEY_LENGTH:
            raise ValueError("too short")
        return key

    @field_validator("previous_secret_keys", mode="before")
    @classmethod
    def _are_long(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if any(len(key) < SECRET_KEY_LENGTH for key in _parts(value)):
            raise ValueError("too short")
        return tuple(map(SecretStr, _parts(value)))

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url:
            parts = urlsplit(url.get_secret_value())
            if parts.scheme not in ("smtp", "smtp+starttls", "smtps") or not parts.hostname or parts.port == 0:
                raise ValueError("not an address of a mail server")
        return url

    @field_validator("mail_from")
    @classmethod
    def _is_a_sender(cls, sender: str) -> str:
        _, address = parseaddr(sender)
        if sender and ("@" not in address or not sender.isprintable()):
            raise ValueError("not a sender")
        if sender:
            Address(addr_spec=address)  # its errors are ValueErrors
        return sender

    @field_validator("trusted_proxies", "outgoing_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(ip_network(part, strict=False) for part in _parts(value))

    def listening_at(self, host: str, port: int) -> Self:
        """Answer the same settings with the address that is really listened at; unset, `base_url` follows it."""
        return self.model_copy(update={"host": host, "port": port})

    @property
    def public_url(self) -> str:
        """The origin that links name, without a slash at its end."""
        if self.base_url:
            return self.base_url
        host = ANY_ADDRESS.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def sender(self) -> str:
        """Whom mails are from: `mail_from`, else no-reply at the host of the public address."""
        host = urlsplit(self.public_url).hostname or ""
        named = not host.replace(".", "").isdigit() and ":" not in host
        return self.mail_from or f"kalends <no-reply@{host if named else 'localhost'}>"


def load() -> Settings:
    """Read the settings of this process.

    Raises:
        SettingsWrong: one sentence for every setting that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsWrong([_sentence(str(e["loc"][0])) for e in error.errors(include_input=False)]) from None


def unknown_names() -> list[str]:
    """Name the variables that begin like ours and are no setting: most likely slips of the pen."""
    known = {variable(field) for field in Settings.model_fields}
    found = {name for name in (*os.environ, *dotenv_values(ENV_FILE)) if name.startswith(PREFIX)}
    return sorted(name for name in found - known if not name.startswith(TEST_PREFIX))


def variable(field: str) -> str:
    """Name the environment variable of a field."""
    return PREFIX + field.upper()


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    spare = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in ("http", "https") or not parts.hostname or spare or parts.port == 0:
        raise ValueError("not an origin")
    return url.rstrip("/")


def _sentence(field: str) -> str:
    # The value itself is never repeated: several of them hold passwords.
    return f"{variable(field)} cannot be used: expected {Settings.model_fields[field].description}."
