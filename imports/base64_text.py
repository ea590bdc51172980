"""Explain text that is not standard Base64. The same sentences, sooner and in the browser, are those of sniff.js."""

import re

_URL_SAFE = re.compile(r"[0-9A-Za-z_-]+={0,2}")
_UNPADDED = re.compile(r"[0-9A-Za-z+/]+")


def explain(text: str) -> str:
    """Name URL-safe and unpadded Base64, which many tools write (RFC 4648 sections 3.2 and 5)."""
    joined = "".join(text.split())
    if _URL_SAFE.fullmatch(joined) and re.search("[_-]", joined):
        return (
            "This is URL-safe Base64 (- and _ instead of + and /). Give standard Base64; tr -- '-_' '+/' converts it."
        )
    if _UNPADDED.fullmatch(joined) and len(joined) % 4 in (2, 3):
        return (
            f"This is Base64 without its padding: {len(joined):,} characters, and = is missing at the end. "
            "Or the text is cut off."
        )
    return "This is not Base64."
