"""`--wrap-only`: on a machine without a network, wrap for a wrapping key that was carried there.

The files bear the names that the console's pages use, and fit its fields; what is written is ciphertext only.
"""

from __future__ import annotations

import os
from pathlib import Path

from kmsimport import asking, wrapping
from kmsimport.faults import Exit, Fault, usage
from kmsimport.formats import Material
from kmsimport.report import Report
from kmsimport.wrapping import NoWrappingKey

# Of a private key, this is the temporary key that wraps it.
WRAPPED_MATERIAL = "EncryptedKeyMaterial.bin"


def wrapped_private_key_file(material: Material) -> str:
    return f"out_{material.spec.family.value.lower()}_private_key.der"


def wrap_only(material: Material, public_key: str, out_dir: str, report: Report) -> None:
    """Raises a Fault of KEY_FILE or USAGE; then no file is left behind that was not there before."""
    directory = Path(out_dir)
    if not directory.is_dir():
        raise usage(f"--out-dir {out_dir}: there is no such directory.")
    try:
        key = wrapping.wrapping_key(_read(public_key))
    except NoWrappingKey as cause:
        hint = "It is the file wrappingKey_<KeyID> that the console saved, or the answer to get-parameters-for-import."
        raise usage(str(cause), hint) from None
    if key.der == material.public_der:
        raise usage("--public-key is the public half of the key file itself, not a wrapping key.")
    report.step("wrapping key", f"RSA-{key.bits}, fingerprint {key.fingerprint}")
    wrapped = wrapping.wrap(material, key)
    if wrapped.private_key is None:
        files = {WRAPPED_MATERIAL: wrapped.material}
    else:
        files = {WRAPPED_MATERIAL: wrapped.material, wrapped_private_key_file(material): wrapped.private_key}
    _write_all(directory, files)
    for name, content in files.items():
        report.step("wrote", f"{directory / name}, {len(content)} bytes")
    report.facts["files"] = [str(directory / name) for name in files]


def _read(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(asking.MOST_BYTES)
    except OSError as cause:
        raise usage(f"--public-key {name}: {cause.strerror}.") from None


def _write_all(directory: Path, files: dict[str, bytes]) -> None:
    """All or none, and never over something: a file of another import would be wrong without looking so."""
    written: list[Path] = []
    try:
        for name, content in files.items():
            path = directory / name
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
            written.append(path)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
    except FileExistsError:
        _remove(written)
        raise usage(f"{directory / name} is there already.", "Move it away: nothing is overwritten.") from None
    except OSError as cause:
        _remove(written)
        raise Fault(Exit.USAGE, f"--out-dir {directory}: {cause.strerror}.") from None


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
