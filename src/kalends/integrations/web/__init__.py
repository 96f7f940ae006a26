"""Requests to addresses that somebody typed in: they reach public servers, and private ones the operator allows."""

from .client import Answer, Visit, Web, put_off
from .connections import AddressNotAllowed

__all__ = ["AddressNotAllowed", "Answer", "Visit", "Web", "put_off"]
