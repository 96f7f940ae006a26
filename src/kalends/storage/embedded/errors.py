"""What can go wrong with the embedded server, said for the person who runs kalends."""


class EmbeddedServerError(RuntimeError):
    """The embedded PostgreSQL cannot be used; the message says why and how to mend it."""
