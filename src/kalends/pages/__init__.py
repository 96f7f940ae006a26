"""Pages for guests: people, booking, appointments; server-rendered, usable without script, free of cookies."""

from fastapi import FastAPI
from starlette.routing import Mount

from . import appointments, booking, people, problems, static

# In this order: the address of a person's page would match nearly everything.
routers = [appointments.router, people.router, booking.router]


def mount(web: FastAPI) -> None:
    """Serve the built assets under /static, and show failures as pages."""
    # In front: a person's page would match this address too.
    web.router.routes.insert(0, Mount("/static", app=static.files(), name="static"))
    web.state.render_error_page = problems.render
