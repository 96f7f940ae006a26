"""The ways to meet (contract 2.2)."""

from typing import Literal

Channel = Literal[
    "local", "local-attendee", "google", "zoom", "phone", "phone-incoming", "whatsapp", "connect", "webex",
    "teamsForBusiness2", "teams2ForExchange", "custom", "resource", "whereby", "kmeet", "zava", "jitsi",
    "nextcloudTalk", "openTalk", "alfaview",
    # Deprecated, still accepted.
    "skypeForConsumer", "skypeForBusiness", "teamsForBusiness", "teamsForExchange",
]  # fmt: skip
