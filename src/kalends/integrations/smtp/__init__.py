"""Mail: a server spoken to over SMTP, or a folder of `.eml` files where there is none."""

from .folder import FolderMailer
from .server import SmtpMailer

__all__ = ["FolderMailer", "SmtpMailer"]
