"""The Platform API v4: one module per noun, one router each (or more, where the contract has two mounts)."""

from fastapi import APIRouter

from . import (
    appointments,
    availabilities,
    availability_exceptions,
    booking_availability,
    bookings,
    companies,
    meeting_types,
    one_time_links,
    pending_attendees,
    personal_pages,
    queue_user_groups,
    queues,
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
    bookings.router,
    appointments.router,
    one_time_links.router,
    pending_attendees.router,
    queues.router,
    queue_user_groups.router,
]
