"""E-mail addresses, judged by their syntax alone; nothing is looked up."""

from email_validator import EmailNotValidError, validate_email

LONGEST = 254  # RFC 5321 4.5.3.1.3, without the angle brackets


def checked_email(text: str) -> str:
    """Check an address and write it as mail servers take it: plain ASCII, an international domain in its xn-- form.

    Addresses of ``.test`` and ``example.com`` are fine (contract 6.6).

    Raises:
        ValueError: not an address, or one that only servers with SMTPUTF8 (RFC 6531) could take.
    """
    if len(text) > LONGEST:  # before anything is looked for in it
        raise ValueError(f"must have at most {LONGEST} characters")
    try:
        found = validate_email(
            text, check_deliverability=False, test_environment=True, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None
    return found.ascii_email or found.normalized
