"""The Platform API v4: one module per noun, one router each (or more, where the contract has two mounts)."""

from fastapi import APIRouter

from kalends.edge.express import Endpoint

from . import (
    appointments,
    attendees,
    availabilities,
    availability_exceptions,
    booking_availability,
    booking_holds,
    bookings,
    calendar_authorizations,
    calendar_connections,
    companies,
    events,
    handoffs,
    meeting_types,
    one_time_links,
    pending_attendees,
    personal_pages,
    provisional_bookings,
    queue_user_groups,
    queues,
    slot_explanations,
    users,
)

routers: list[APIRouter] = [
    users.router,
    meeting_types.router,
    *availabilities.routers,
    availability_exceptions.router,
    personal_pages.router,
    companies.router,
    booking_availability.router,
    slot_explanations.router,
    booking_holds.router,
    bookings.router,
    provisional_bookings.router,
    appointments.router,
    attendees.router,
    events.router,
    one_time_links.router,
    pending_attendees.router,
    handoffs.router,
    queues.router,
    queue_user_groups.router,
    calendar_connections.router,
    calendar_authorizations.router,
]

# Asked more often than all others.
express: list[Endpoint] = [
    booking_availability.get_booking_availability,
    bookings.create_booking,
    appointments.get_paginated_appointments,
]
