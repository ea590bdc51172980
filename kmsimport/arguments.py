"""The command line. No option takes a secret: everybody on the machine can read the list of processes."""

from __future__ import annotations

import argparse
import contextlib
import textwrap

from kmscrypto.specs import Usage
from kmsimport.faults import usage
from kmsimport.formats import IMPORTABLE, Format

_EPILOG = """\
Who is asking comes from the environment, as for the clouds' own tools:
  OS_AUTH_URL  OS_PROJECT_NAME or OS_PROJECT_ID  OS_REGION_NAME, and
  OS_USERNAME  OS_DOMAIN_NAME  OS_PASSWORD (or a prompt, or --password-fd)
  or OS_ACCESS_KEY  OS_SECRET_KEY, also HUAWEICLOUD_SDK_AK  HUAWEICLOUD_SDK_SK

Exit codes: 0 done, 1 internal error, 2 usage, 3 key file, 4 sign-in, 5 refused by the service, 6 no answer,
7 imported but not proven, 8 check values differ, 130 interrupted.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise usage(f"{message}.", "See kms-import --help")


def parser() -> argparse.ArgumentParser:
    found = _Parser(
        prog="kms-import",
        description="Import a key that you have into the key management service.",
        epilog=textwrap.dedent(_EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    found.add_argument(
        "key_file", metavar="KEY_FILE", help="32 bytes (raw, hex, Base64), PEM, DER or JWK; - for standard input"
    )
    _about_the_key_file(found.add_argument_group("the key file"))
    _about_the_key(found.add_argument_group("the key in the service"))
    _about_the_way(found.add_argument_group("what to do"))
    _about_the_service(found.add_argument_group("the service"))
    output = found.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="the result as one JSON object on standard output")
    output.add_argument("--quiet", action="store_true", help="no progress on standard error")
    return found


def _about_the_key_file(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--format", choices=[str(each) for each in Format], help="read the file as this, do not look")
    group.add_argument(
        "--passphrase-fd", type=int, metavar="N", help="read the private key's passphrase from this descriptor"
    )


def _about_the_key(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--key-id", metavar="ID", help="an empty key that waits for material; also alias/NAME")
    group.add_argument("--create", metavar="ALIAS", help="make the empty key first")
    group.add_argument("--spec", choices=IMPORTABLE, help="what the key file must hold")
    group.add_argument(
        "--usage",
        choices=[str(Usage.ENCRYPT_DECRYPT), str(Usage.SIGN_VERIFY)],
        help="with --create: what an RSA key is for (SIGN_VERIFY)",
    )
    group.add_argument("--description", default="", metavar="TEXT", help="with --create")
    group.add_argument("--enterprise-project", metavar="ID", help="with --create")
    group.add_argument("--expires", metavar="WHEN", help="30d, 12h, or 2027-01-31T00:00Z; otherwise never")


def _about_the_way(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--dry-run", action="store_true", help="everything but creating and importing")
    group.add_argument("--no-round-trip", action="store_true", help="do not use the key after the import")
    group.add_argument(
        "--check-value", action="store_true", help="import nothing: compare with --key-id, or tell the file's"
    )
    group.add_argument("--wrap-only", action="store_true", help="wrap into files, without a network")
    group.add_argument("--public-key", metavar="FILE", help="with --wrap-only: the wrapping key")
    group.add_argument("--out-dir", metavar="DIR", help="with --wrap-only: where the files go")


def _about_the_service(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--auth-url", metavar="URL", help="the identity service (OS_AUTH_URL)")
    group.add_argument("--endpoint", metavar="URL", help="the key service, if the catalog is not to say where it is")
    group.add_argument("--region", metavar="NAME", help="OS_REGION_NAME")
    group.add_argument("--project-id", metavar="ID", help="OS_PROJECT_ID")
    group.add_argument("--project-name", metavar="NAME", help="OS_PROJECT_NAME")
    group.add_argument("--user", metavar="NAME", help="OS_USERNAME")
    group.add_argument("--domain", metavar="NAME", help="the user's account (OS_DOMAIN_NAME)")
    group.add_argument("--password-fd", type=int, metavar="N", help="read the password from this descriptor")
    group.add_argument("--token-file", metavar="FILE", help="a token instead of a sign-in (OS_TOKEN)")
    group.add_argument("--ca-file", metavar="FILE", help="certificates to trust instead of the system's (OS_CACERT)")
    group.add_argument("--allow-http", action="store_true", help="send credentials unencrypted to another machine")
    group.add_argument("--timeout", type=_seconds, default=30.0, metavar="SECONDS", help="for each answer (30)")


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (value := float(text)) <= 3600:
            return value
    raise argparse.ArgumentTypeError("a number of seconds, more than 0 and at most 3600")


_MAY_BE_EMPTY = ("description", "key_file")  # no file has that name, which is told where it is opened
_ONLY_WITH_CREATE = ("usage", "description", "enterprise_project")
_OF_AN_IMPORT = ("create", "expires", "dry_run", "no_round_trip", *_ONLY_WITH_CREATE)
_OF_THE_SERVICE = ("key_id", "endpoint", "password_fd", "token_file", "allow_http", "ca_file")
_OF_WRAPPING = ("public_key", "out_dir")


def check(options: argparse.Namespace) -> None:
    """What goes together. Raises a Fault of USAGE.

    An option given empty is one whose variable was not set in a script, and never meant as if it were not there.
    """
    for name, value in vars(options).items():
        if value == "" and name not in _MAY_BE_EMPTY:
            raise usage(f"--{name.replace('_', '-')} is empty.")
    if options.key_file == "-" and 0 in (options.passphrase_fd, options.password_fd):
        raise usage("Standard input holds the key: secrets need another descriptor.")
    if options.wrap_only and options.check_value:
        raise usage("Either --wrap-only or --check-value.")
    if options.wrap_only:
        _without(options, _OF_AN_IMPORT + _OF_THE_SERVICE, "--wrap-only talks to no service: leave out")
        if not options.public_key or not options.out_dir:
            raise usage("--wrap-only needs --public-key and --out-dir.")
        return
    _without(options, _OF_WRAPPING, "Only --wrap-only takes")
    if options.check_value:
        _without(options, _OF_AN_IMPORT, "--check-value imports nothing: leave out")
        return
    if options.key_id and options.create:
        raise usage("Either --key-id or --create.")
    if not options.key_id and not options.create:
        raise usage("Import into which key?", "Name one with --key-id ID, or make one with --create ALIAS.")
    if not options.create:
        _without(options, _ONLY_WITH_CREATE, "Only --create takes")


def _without(options: argparse.Namespace, names: tuple[str, ...], why: str) -> None:
    for name in names:
        if getattr(options, name) not in (None, False, ""):
            raise usage(f"{why} --{name.replace('_', '-')}.")
