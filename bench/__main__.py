"""Measure everything but growth, print it, and write it into bench/RESULTS.md; takes under ten minutes.

python -m bench
"""

from __future__ import annotations

import time

from bench import bookings, calendars, engine, mix, page, results, server, stage


def main() -> None:
    """Measure the engine, then the server on one stage."""
    began = time.monotonic()
    found = [*engine.figures()]
    with stage.standing() as built:
        for part in (server, page, bookings, mix, calendars):
            found += part.measure(built)
    results.write(found)
    print(results.table(found))
    missed = sum(one.met is False for one in found)
    print(f"\n{missed or 'No'} goals missed; {time.monotonic() - began:.0f} s; written to {results.FILE.name}.")


if __name__ == "__main__":
    main()
