"""`kms-import`: reads the command line, runs one of its stories, and turns what went wrong into an exit code."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from kmsimport import airgap, arguments, asking, comparing, expiry, formats, identity, importing, secrecy, settings
from kmsimport.connection import Connection
from kmsimport.faults import Exit, Fault
from kmsimport.formats import Format, Material
from kmsimport.importing import Wish
from kmsimport.report import Report
from kmsimport.service import Service


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code. Nothing but faults is told of a failure: a traceback could show what it should not."""
    secrecy.harden()
    given = list(sys.argv[1:] if argv is None else argv)
    report = Report(as_json="--json" in given, quiet="--quiet" in given)
    try:
        options = arguments.parser().parse_args(given)
        arguments.check(options)
        _run(options, report)
    except Fault as fault:
        report.failed(fault)
        return fault.exit_code
    except KeyboardInterrupt:
        report.failed(Fault(Exit.INTERRUPTED, "Interrupted."))
        return Exit.INTERRUPTED
    except Exception as error:
        report.failed(Fault(Exit.INTERNAL, f"Internal error: {type(error).__name__} {_place(error)}."))
        return Exit.INTERNAL
    return Exit.DONE


def _run(options: argparse.Namespace, report: Report) -> None:
    story = _wrap_only if options.wrap_only else _compare if options.check_value else _import
    story(options, report)


def _wrap_only(options: argparse.Namespace, report: Report) -> None:
    with _material(options, report) as material:
        importing.check(material, Wish(spec=options.spec or ""))
        airgap.wrap_only(material, options.public_key, options.out_dir, report)
    report.done("Wrapped. Take the files to the console, or to the API.")


def _compare(options: argparse.Namespace, report: Report) -> None:
    where = settings.read(options, os.environ) if options.key_id else None
    with _material(options, report) as material:
        importing.check(material, Wish(spec=options.spec or ""))
        if where is None:
            report.done(material.check_value)
            return
        comparing.compare(_service(options, where, report), options.key_id, material, report)
        report.done(f"The same: {material.check_value}.")


def _import(options: argparse.Namespace, report: Report) -> None:
    wish = _wish(options)
    where = settings.read(options, os.environ)
    with _material(options, report) as material:
        importing.check(material, wish)
        importing.bring(_service(options, where, report), material, wish, report)
    report.facts["dry_run"] = wish.dry_run
    if not wish.dry_run:
        report.done(f"Imported into key {report.facts['key_id']}.")
    elif wish.alias:
        report.done("Dry run: the key file is good and the alias is free. Whether you may make the key was not asked.")
    else:
        report.done("Dry run: all is well.")


def _wish(options: argparse.Namespace) -> Wish:
    return Wish(
        key=options.key_id or "",
        alias=options.create or "",
        spec=options.spec or "",
        usage=options.usage or "",
        description=options.description,
        enterprise_project=options.enterprise_project or "",
        expires_at=expiry.parse(options.expires, now=datetime.now(UTC)) if options.expires else None,
        dry_run=options.dry_run,
        prove=not options.no_round_trip,
    )


@contextlib.contextmanager
def _material(options: argparse.Namespace, report: Report) -> Iterator[Material]:
    """The key of the key file, overwritten when the block ends."""
    data = asking.key_file(options.key_file)
    try:
        form = Format(options.format) if options.format else None
        material = formats.read(bytes(data), form=form, ask=lambda: asking.passphrase(options.passphrase_fd))
    finally:
        secrecy.wipe(data)
    report.step(
        "key file",
        f"{material.spec.name} in {material.found}; check value {material.check_value}",
        found=material.found,
        key_spec=material.spec.name,
        check_value=material.check_value,
    )
    if asking.is_readable_by_others(options.key_file):
        report.warn("others may read the key file; take that away with: chmod go= KEY_FILE")
    try:
        yield material
    finally:
        material.forget()


def _service(options: argparse.Namespace, where: settings.Settings, report: Report) -> Service:
    connection = Connection(
        ca_file=options.ca_file or os.environ.get("OS_CACERT") or None,
        timeout=options.timeout,
        allow_http=options.allow_http,
    )
    session = identity.sign_in(connection, where, password_fd=options.password_fd)
    report.step("signed in", f"as {session.who}", project_id=session.project_id)
    connection.check(session.base)
    return Service(connection, session)


def _place(error: Exception) -> str:
    """The line of ours where it happened, for a report of the bug; never the error's own text, which may quote."""
    frame, place = error.__traceback__, "somewhere"
    while frame is not None:
        name = frame.tb_frame.f_globals.get("__name__", "")
        if name.startswith("kmsimport"):
            place = f"at {name}:{frame.tb_lineno}"
        frame = frame.tb_next
    return place
