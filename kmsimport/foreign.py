"""Key files of other programs, recognised by their first bytes: each is refused with the command that converts it.

Files in DER are not among them: what they hold `kmscrypto.private_keys` says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kmscrypto.key_files import KeyFileRefused, Reason


@dataclass(frozen=True)
class ForeignFile:
    reason: Reason
    found: str
    hint: str

    def refusal(self) -> KeyFileRefused:
        return KeyFileRefused(self.reason, f"The key file holds {self.found}.", self.hint)


_PUTTYGEN = "Convert it: puttygen KEY_FILE -O private-openssh -o key.pem"
_KEYTOOL = (
    "Take the key out: keytool -importkeystore -srckeystore KEY_FILE -destkeystore key.p12 -deststoretype PKCS12, then "
    "openssl pkcs12 -in key.p12 -nocerts -out key.pem"
)

PUTTY = ForeignFile(Reason.PUTTY, "a private key of PuTTY", _PUTTYGEN)
SSH_COM = ForeignFile(Reason.SSH_COM, "a private key of ssh.com (SSH2)", _PUTTYGEN)
OPENSSH = ForeignFile(
    Reason.OPENSSH,
    "a private key in OpenSSH's own format",
    "Copy the file, and convert the copy: ssh-keygen -p -m PKCS8 -f COPY",
)
OPENPGP = ForeignFile(
    Reason.PGP,
    "an OpenPGP key",
    "gpg writes it in no other format: import a key that openssl or an HSM made.",
)
JKS = ForeignFile(Reason.JKS, "a Java key store (JKS or JCEKS)", _KEYTOOL)
PVK = ForeignFile(
    Reason.PVK, "a private key of Microsoft (PVK)", "Convert it: openssl rsa -inform PVK -in KEY_FILE -out key.pem"
)
MSBLOB = ForeignFile(
    Reason.PVK, "a private key of Microsoft (blob)", "Convert it: openssl rsa -inform MSBLOB -in KEY_FILE -out key.pem"
)
XML = ForeignFile(
    Reason.XML,
    "a key in XML, as .NET writes it",
    "Convert it in .NET: RSA.FromXmlString, then RSA.ExportPkcs8PrivateKeyPem.",
)
UTF_16_LE, UTF_16_BE = (
    ForeignFile(Reason.UTF_16, "UTF-16 text", f"Save it as plain text: iconv -f {name} -t UTF-8 KEY_FILE > key.txt")
    for name in ("UTF-16LE", "UTF-16BE")
)

# How each of them begins.
_BEGINNINGS = tuple(
    (re.compile(pattern, re.DOTALL), file)
    for pattern, file in (
        (rb"\s*PuTTY-User-Key-File-\d", PUTTY),
        (rb"\s*---- BEGIN SSH2", SSH_COM),
        (rb"\x3f\x6f\xf9\xeb", SSH_COM),
        # A secret-key packet (RFC 4880 §4.2, tag 5) of version 4 to 6.
        (rb"(\x94.|\x95..|\xc5([\0-\xbf]|[\xc0-\xdf].|\xff....))[\4-\6]", OPENPGP),
        (rb"(\xfe\xed\xfe\xed|\xce\xce\xce\xce)\0\0\0", JKS),
        (rb"\x1e\xf1\xb5\xb0", PVK),
        (rb"\x07\x02\0\0\0\xa4\0\0RSA2", MSBLOB),
        (rb"\s*(<\?xml[^>]*>\s*)?<(RSAKeyValue|DSAKeyValue|RSAParameters)\b", XML),
        (rb"\xff\xfe([\t\n\r\x20-\x7e]\0)+|([\t\n\r\x20-\x7e]\0){8}", UTF_16_LE),
        (rb"\xfe\xff(\0[\t\n\r\x20-\x7e])+|(\0[\t\n\r\x20-\x7e]){8}", UTF_16_BE),
    )
)


def refuse(data: bytes) -> None:
    """Raises KeyFileRefused for the file of another program; returns for everything else."""
    for beginning, file in _BEGINNINGS:
        if beginning.match(data):
            raise file.refusal()
