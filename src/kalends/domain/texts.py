"""What texts that people write may hold, wherever they come in."""

import re

# What one line must not hold, and what several lines must not; U+2028 and U+2029 end a line for some programs.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# A whole phone number, as people write them in any country.
PHONE = r"\+?[0-9 ()/.\-]{3,40}"
