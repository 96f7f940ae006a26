"""Zoom: meetings made with the account of whoever runs this server (a server-to-server OAuth app)."""

from .api import ZoomApp
from .provider import ZoomMeetings

__all__ = ["ZoomApp", "ZoomMeetings"]
