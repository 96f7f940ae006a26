"""The PostgreSQL that comes with kalends: made, started, shared and stopped inside the data folder.

``with embedded.running(data_dir) as server:`` is all that callers need; `docs/decisions` says why it exists.
"""

from kalends.storage.embedded.errors import EmbeddedServerError
from kalends.storage.embedded.programs import binary
from kalends.storage.embedded.server import EmbeddedServer, running

__all__ = ["EmbeddedServer", "EmbeddedServerError", "binary", "running"]
