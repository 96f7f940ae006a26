"""The whole OpenAPI document under generated requests: no 500, nothing undocumented.

A bounded run, well under a minute; `make fuzz` runs a long one with all values at borders.
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
    examples = os.environ.get("KALENDS_FUZZ_EXAMPLES")
    seed = os.environ.get("KALENDS_FUZZ_SEED", "1")
    words = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{installation.url}/openapi.json",
        *("--checks", CHECKS),
        *("--phases", "examples,coverage,fuzzing"),
        *("--max-examples", examples or "5"),
        *("--header", f"Authorization: Bearer {installation.first['apiKey']}"),
        *("--header", f"x-meetergo-api-user-id: {installation.first['userId']}"),
        *("--suppress-health-check", "all"),
        *("--continue-on-failure", "--no-shrink", "--warnings", "off"),
        *("--seed", seed),
    ]
    env = os.environ | {"KALENDS_FUZZ_SEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
    if not examples:
        env["SCHEMATHESIS_HOOKS"] = "tests.contract.sampling"

    run = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout[-20000:] + run.stderr[-4000:]
