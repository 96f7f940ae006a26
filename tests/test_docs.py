"""The documents say what the program does."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import kalends
from kalends.errors import DomainError

DOCS = Path(__file__).parents[1] / "docs"


def every_error(root: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from every_error(kind)


def test_every_error_code_is_documented() -> None:
    for module in pkgutil.walk_packages(kalends.__path__, "kalends."):
        if ".migrations." not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", (DOCS / "errors.md").read_text(), re.MULTILINE))

    codes = {kind.code for kind in every_error() if kind.__module__.startswith("kalends.")}  # tests make some as well

    assert codes - documented == set()
