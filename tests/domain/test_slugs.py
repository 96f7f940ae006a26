"""Slugs of users and meeting types."""

from itertools import islice

import pytest

from kalends.domain.slugs import MAX, RESERVED, checked_user_slug, normalise, numbered, user_slug


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("John Doe", "john-doe"),
        ("  --Dr. Ana  Roth!-- ", "dr-ana-roth"),
        ("Jürgen Groß", "juergen-gross"),
        ("Ju\u0308rgen", "juergen"),  # the same letter, written as two
        ("Zoë Łukasz Åse Þór", "zoe-lukasz-ase-thor"),
        ("30min Meeting", "30min-meeting"),
        ("李小龍", ""),
        ("../../etc/passwd%00", "etc-passwd-00"),
        ("x" * 200, "x" * MAX),
    ],
)
def test_a_text_is_spelled_as_a_slug(text: str, slug: str) -> None:
    assert normalise(text) == slug
    assert normalise(slug) == slug


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Ada Roth", "ada-roth"),
        ("Li", "li-user"),
        ("李小龍", "user-page"),
        ("web hooks", "web-hooks"),
        ("Login", "login-user"),
    ],
)
def test_a_users_slug_is_long_enough_and_never_reserved(name: str, slug: str) -> None:
    assert user_slug(name) == slug


@pytest.mark.parametrize(
    "text", ["", "abcd", "a b ", "!!!!!!!", *(name for name in RESERVED if normalise(name) == name)]
)
def test_a_chosen_slug_that_is_short_or_reserved_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        checked_user_slug(text)


def test_a_chosen_slug_is_normalised() -> None:
    assert checked_user_slug("Dr. Ada") == "dr-ada"


def test_numbers_follow_a_taken_slug_within_the_length() -> None:
    assert list(islice(numbered("talk"), 3)) == ["talk", "talk-2", "talk-3"]
    assert [len(slug) for slug in islice(numbered("x" * MAX), 12)] == [MAX] * 12
