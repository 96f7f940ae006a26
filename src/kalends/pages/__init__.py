"""Pages for guests: people, booking, appointments; server-rendered, usable without script, free of cookies."""

from fastapi import FastAPI

from kalends.edge.express import Endpoint

from . import appointments, booking, calendar_connected, people, problems, provisional_bookings, static

# In this order: /calendar-connected would match a person's page as well.
routers = [
    appointments.router,
    provisional_bookings.router,
    calendar_connected.router,
    people.router,
    booking.router,
]

# Asked more often than all others; no route before it has an address like it.
express: list[Endpoint] = [booking.choose]


def mount(web: FastAPI) -> None:
    """Serve the built assets under /static, and show failures as pages."""
    web.mount("/static", static.files(), name="static")
    web.state.render_error_page = problems.render
