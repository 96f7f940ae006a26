"""The whole OpenAPI document under generated requests: no 500, nothing undocumented.

A bounded run; `make fuzz` runs a long one.
"""

import os
import subprocess
import sys
from pathlib import Path

from .conftest import Installation

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance"
)


def test_generated_requests_meet_only_documented_answers(installation: Installation, tmp_path: Path) -> None:
    words = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{installation.url}/openapi.json",
        *("--checks", CHECKS),
        *("--phases", "examples,coverage,fuzzing"),
        *("--max-examples", os.environ.get("KALENDS_FUZZ_EXAMPLES", "8")),
        *("--header", f"Authorization: Bearer {installation.first['apiKey']}"),
        *("--header", f"x-meetergo-api-user-id: {installation.first['userId']}"),
        *("--suppress-health-check", "all"),
        *("--continue-on-failure", "--no-shrink", "--warnings", "off"),
        *("--seed", os.environ.get("KALENDS_FUZZ_SEED", "1")),
    ]

    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout[-20000:] + run.stderr[-4000:]
