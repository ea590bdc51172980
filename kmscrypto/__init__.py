"""Pure cryptography: bytes in, bytes out, or one of `kmscrypto.errors`.

No Django, no settings, no files, no network, no clock. Every primitive comes from the `cryptography` library; what is
ours is only how they are put together (security.md 2 to 4) and how strictly outside bytes are read.
"""
