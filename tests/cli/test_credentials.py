"""`kalends key` and `kalends token`, beside a running server that obeys them at once."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.cli.conftest import Install, Service, one_sentence


@pytest.fixture(scope="module")
def service(acme: Install) -> Iterator[Service]:
    """Serve it meanwhile."""
    with acme.serving() as service:
        yield service


def _answers(service: Service, secret: str) -> int:
    return httpx2.get(f"{service.url}/v4/user/me", headers={"Authorization": f"Bearer {secret}"}).status_code


def test_a_key_lives_as_the_commands_say(acme: Install, service: Service) -> None:
    made = acme.json("key", "create", "--name", "Clinic", "--days", "7")
    assert set(made) == {"id", "name", "key", "expiresAt", "scopes"}
    assert (made["name"], made["scopes"], made["expiresAt"][-1]) == ("Clinic", [], "Z")
    assert _answers(service, made["key"]) == 200

    assert acme.json("key", "deactivate", made["id"])["state"] == "deactivated"
    assert _answers(service, made["key"]) == 401

    assert acme.json("key", "activate", made["id"])["state"] == "active"
    assert _answers(service, made["key"]) == 200

    assert made["id"] in [key["id"] for key in acme.json("key", "list")]
    assert acme.json("key", "revoke", made["id"])["state"] == "revoked"
    assert _answers(service, made["key"]) == 401
    assert made["id"] not in [key["id"] for key in acme.json("key", "list")]


def test_a_token_lives_as_the_commands_say(acme: Install, service: Service) -> None:
    made = acme.json("token", "create", "--name", "Script", "--scope", "account", "--user", "Owner@acme.test")
    assert set(made) == {"id", "name", "token", "expiresAt", "scopes"}
    assert (made["name"], made["scopes"], made["expiresAt"]) == ("Script", ["account"], None)
    assert _answers(service, made["token"]) == 200

    listed = {token["id"]: token for token in acme.json("token", "list")}
    assert "token" not in listed[made["id"]]

    assert acme.json("token", "revoke", made["id"])["state"] == "revoked"
    assert _answers(service, made["token"]) == 401


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["key", "create", "--days", "91"], "days: must be between 1 and 90"),
        (["key", "create", "--name", " "], "name: must not be empty"),
        (["key", "revoke", "01a20307-a2b3-79c8-9321-6977e3893e0a"], "There is no such credential."),
        (["token", "create", "--name", "x", "--user", "who@acme.test"], "The company has no user who@acme.test."),
        (["token", "create", "--name", "kalends init"], "You already have a token of this name."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(acme: Install, arguments: list[str], sentence: str) -> None:
    done = acme.run(*arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert one_sentence(done) == sentence


def test_without_a_company_the_way_to_one_is_told(install: Install) -> None:
    done = install.run("key", "create")

    assert done.returncode == 1
    assert one_sentence(done) == "There is no company yet: make it with `kalends init`."
