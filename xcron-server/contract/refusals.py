"""A check beside those of schemathesis: what the document allows is refused for a reason that
no schema can say, and for no other."""

import re

import schemathesis

# Codes whose whole subject is text with a grammar of its own, and time.
CODES = {1001, 1002, 1003}

# The refusals with code 1000 that are left.
MESSAGES = [
    # The zones are those of the server's time zone database.
    r"timezone: .* is not known, expected a name of the IANA time zone database",
    # One field bounds another.
    r"end_time is before start_time",
    r"to is before from, expected from or later",
    r"retry\.max_backoff_seconds is \d+, expected \d+ to 86400",
    # What a change lacks depends on the task.
    r"format is missing, expected a string",
    # Labels are a map; a schema of OpenAPI 3.0 says nothing about its keys.
    r"labels has an empty key, expected some text",
    # A schema counts characters, the server bytes.
    r"(name|labels|note|q) has \d+ bytes",
    # Only what a page has given.
    r"cursor is .*, expected a next_cursor",
    r"label asks for two values of .*, expected one",
]


@schemathesis.check
def refused_for_a_reason(ctx, response, case):
    is_allowed = case.meta is not None and case.meta.generation.mode.is_positive
    if not is_allowed or response.status_code != 400:
        return
    answer = response.json()
    code, message = answer["code"], answer["message"]
    is_known = any(re.match(known, message, re.DOTALL) for known in MESSAGES)
    assert code in CODES or is_known, f"the document allows it, but {code}: {message}"
