"""The languages of users and companies (contract 2.1)."""

from typing import Literal

Language = Literal["en", "de", "fr", "es", "no", "nl", "it", "pl", "sv", "tr", "da"]
