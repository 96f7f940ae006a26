"""`kalends openapi`."""

import json

from kalends import bootstrap, settings


def openapi() -> None:
    """Print the OpenAPI document of the API; needs no database."""
    configured = settings.load()
    web = bootstrap.web(bootstrap.build(configured, conninfo=""), configured)
    print(json.dumps(web.openapi(), indent=2, ensure_ascii=False))
