"""Requests to addresses that somebody typed in: they reach public servers, and private ones the operator allows."""

from .client import Answer, Origin, Visit, Web, origin, put_off
from .connections import AddressNotAllowed

__all__ = ["AddressNotAllowed", "Answer", "Origin", "Visit", "Web", "origin", "put_off"]
