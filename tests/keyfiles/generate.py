"""Write `files.json` anew: python -m tests.keyfiles.generate

Run by hand, for the table is committed. It needs openssl 3, a JDK, Go, Node, certtool (gnutls-bin), puttygen
(putty-tools), ssh-keygen, gpg, SoftHSM and python-pkcs11. Each run makes new keys, which serve nothing else.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.keyfiles import TABLE, by_hand, by_programs
from tests.keyfiles.table import Table


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        table = Table(Path(directory))
        by_programs.add_to(table)
        by_hand.add_to(table)
        table.save(TABLE)
    print(f"{len(table.files)} files, {TABLE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
