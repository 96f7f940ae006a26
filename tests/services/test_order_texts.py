"""Orders as JSON: what a provisional booking keeps is what was asked for."""

import json
from dataclasses import fields, replace
from uuid import uuid4

from kalends.domain.recurrence import Recurrence
from kalends.services import order_texts
from kalends.services.orders import NewAttendee, Order
from tests.ordering import START

FULL = Order(
    meeting_type_id=uuid4(),
    start=START,
    attendee=NewAttendee(
        email="ana@guests.test",
        first_name="Ana",
        last_name="Roth",
        full_name="Dr. Ana Roth",
        phone="+436601234567",
        language="de",
        timezone="Europe/Vienna",
        notes={"Topic": ["Plan"]},
        receive_reminders=False,
        bringalong_emails=("pal@guests.test",),
        data_policy_accepted=True,
    ),
    host_ids=(uuid4(), uuid4()),
    mode="everyone",
    required=2,
    duration=45,
    channel="local",
    location="Hall 1",
    ics_title="Plan",
    ics_description="Two\nlines",
    skip_notifications=True,
    context={"utm_source": "mail"},
    nonce=uuid4(),
    queue_id=uuid4(),
    phone_only=True,
    ignore_availability=True,
    recurrence=Recurrence("daily", 2, 5, "skip"),
    resource_channel_ids=(uuid4(),),
    hold_id=uuid4(),
    one_time_link_id=uuid4(),
    booking_password="Sesam",
    pending_attendee_id=7,
)


def test_an_order_comes_back_without_nonce_and_password() -> None:
    written = json.loads(json.dumps(order_texts.dto(FULL)))

    assert order_texts.of_dto(written) == replace(FULL, nonce=None, booking_password=None)
    assert "Sesam" not in json.dumps(written)


def test_an_order_that_says_little_comes_back_too() -> None:
    little = Order(uuid4(), START, NewAttendee(None))

    assert order_texts.of_dto(json.loads(json.dumps(order_texts.dto(little)))) == little


def test_every_field_is_tried() -> None:
    """A field nobody thought of here would be lost unseen."""
    little = Order(uuid4(), START, NewAttendee(None))
    pairs = [(FULL, little), (FULL.attendee, little.attendee)]

    same = [
        one.name for full, bare in pairs for one in fields(bare) if getattr(full, one.name) == getattr(bare, one.name)
    ]

    assert same == ["start"]


def test_guests_come_once_and_nobody_brings_himself() -> None:
    who = NewAttendee(
        "Ana@guests.test", bringalong_emails=("b@guests.test", "ana@GUESTS.test", "a@guests.test", "B@guests.test")
    )

    assert (who.bringalong_emails, who.seats) == (("b@guests.test", "a@guests.test"), 3)
