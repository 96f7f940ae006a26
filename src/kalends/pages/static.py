"""The built scripts under /static: packed beforehand, kept by browsers for a year by their version."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from . import packing

FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_PACKED = {"br": ".br", "gzip": ".gz"}  # the better one first
_LONGEST_NAME = 200
FOREVER = "public, max-age=31536000, immutable"


class PackedFiles(StaticFiles):
    """Static files that are sent packed where the build left a packed one and the browser takes it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Find a file; the name of a packed one is no address of its own, nor is what no file can be called."""
        if path.endswith(tuple(_PACKED.values())) or "\0" in path or len(path) > _LONGEST_NAME:
            raise HTTPException(404)
        coding = self._coding(path, Headers(scope=scope))
        response = await super().get_response(path + _PACKED.get(coding, ""), scope)
        if coding:
            response.headers["content-type"] = _TYPES[Path(path).suffix]
            response.headers["content-encoding"] = coding
        _add_headers(response.headers, versioned=b"v=" in scope["query_string"])
        return response

    def _coding(self, path: str, headers: Headers) -> str:
        """Choose how a file is sent; "" as it is."""
        if "range" in headers:
            return ""
        taken = packing.taken(headers)
        return next((one for one in _PACKED if one in taken and self.lookup_path(path + _PACKED[one])[1]), "")


def files() -> PackedFiles:
    """Make the app that serves /static; without a build it serves nothing."""
    return PackedFiles(directory=FOLDER, check_dir=False)


@cache
def url(name: str) -> str:
    """Write the address of a built file, with the version that lets browsers keep it for good.

    Raises:
        FileNotFoundError: the assets have not been built (`make install` builds them).
    """
    return f"/static/{name}?v={hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]}"


def _add_headers(headers: MutableHeaders, *, versioned: bool) -> None:
    headers["cache-control"] = FOREVER if versioned else "no-cache"
    headers["x-content-type-options"] = "nosniff"
    headers.add_vary_header("accept-encoding")
