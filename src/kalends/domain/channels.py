"""Channels an appointment happens on (contract 2.2), as far as they are somebody's product."""

# Names of products are the same in every language.
PRODUCTS = {
    "google": "Google Meet",
    "zoom": "Zoom",
    "whatsapp": "WhatsApp",
    "webex": "Webex",
    "teamsForBusiness2": "Microsoft Teams",
    "teams2ForExchange": "Microsoft Teams",
    "teamsForBusiness": "Microsoft Teams",
    "teamsForExchange": "Microsoft Teams",
    "skypeForConsumer": "Skype",
    "skypeForBusiness": "Skype",
    "whereby": "Whereby",
    "kmeet": "kMeet",
    "zava": "ZAVA",
    "jitsi": "Jitsi Meet",
    "nextcloudTalk": "Nextcloud Talk",
    "openTalk": "OpenTalk",
    "alfaview": "alfaview",
}

# The link to these is made with the event in the main host's calendar, if it is of this kind (ports.CalendarKind).
WITH_EVENT = {"google": "google", "teamsForBusiness2": "outlook", "teamsForBusiness": "outlook"}
