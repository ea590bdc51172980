"""Explain text that is not standard Base64. The same sentences, sooner and in the browser, are those of sniff.js."""

import re

from operations.fields import decode_base64

_URL_SAFE = re.compile(r"[0-9A-Za-z_-]+={0,2}")


def explain(text: str) -> str:
    """Name URL-safe and unpadded Base64, which many tools write (RFC 4648 sections 3.2 and 5), and how to mend it."""
    joined = "".join(text.split())
    is_url_safe = ("-" in joined or "_" in joined) and _URL_SAFE.fullmatch(joined) is not None
    standard = joined.replace("-", "+").replace("_", "/") if is_url_safe else joined
    missing = -len(standard) % 4
    if decode_base64(standard + "=" * missing) is None or not (is_url_safe or missing):
        return "This is not Base64."
    alphabet = "write + for - and / for _" if is_url_safe else ""
    padding = f"add {'=' * missing} at the end" if missing else ""
    kind = f"{'URL-safe ' if is_url_safe else ''}Base64{' without its padding' if missing else ''}"
    return f"This is {kind}: {' and '.join(filter(None, (alphabet, padding)))}."
