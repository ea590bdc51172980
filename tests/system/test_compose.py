"""docker-compose.yml and Dockerfile name only what exists: settings, commands, files, volumes (SEC-095)."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import yaml
from django.core.management import get_commands

from kmsconsole import env, server
from kmsconsole.management.commands import serve
from tests.services.product import ROOT, clean_environment

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "kms-console"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()

each_service = pytest.mark.parametrize("name", SERVICES)
each_of_ours = pytest.mark.parametrize("name", OURS)


def test_the_production_shape_is_complete():
    assert set(SERVICES) == {"secrets", "database", "broker", "prepare", "web", "worker", "beat"}
    assert (SERVICES["database"]["image"], SERVICES["broker"]["image"]) == ("postgres:16", "redis:7")


@each_of_ours
def test_every_variable_is_a_setting(name):
    known = {variable.name for variable in env.declared.values()}
    known |= {f"{variable.name}_FILE" for variable in env.declared.values()}

    assert set(OURS[name]["environment"]) <= known


@each_of_ours
def test_every_command_exists(name):
    match OURS[name]["command"]:
        case ["python", "manage.py", command, *_]:
            assert get_commands()[command] == "kmsconsole"
        case ["celery", "--app", "kmsconsole.celery", command, *options]:
            assert command in {"worker", "beat"}
            usage = subprocess.run(
                [sys.executable, "-m", "celery", "--app", "kmsconsole.celery", command, "--help"],
                env=clean_environment(), cwd=ROOT, capture_output=True, text=True, check=True,
            ).stdout  # fmt: skip
            assert all(option.split("=")[0] in usage for option in options if option.startswith("--"))
        case other:
            pytest.fail(f"unknown command {other}")


@each_of_ours
def test_every_secret_is_a_file_of_a_mounted_volume(name):
    mounts = {volume.split(":")[1] for volume in OURS[name]["volumes"]}
    files = [value for variable, value in OURS[name]["environment"].items() if variable.endswith("_FILE")]

    assert all(any(file.startswith(f"{mount}/") for mount in mounts) for file in files)


def test_the_files_that_are_read_are_the_files_that_are_made(tmp_path):
    command = [sys.executable, ROOT / "manage.py", "make_secrets", tmp_path]
    subprocess.run(command, env=clean_environment(), cwd=ROOT, check=True)
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    subprocess.run(command, env=clean_environment(), cwd=ROOT, check=True)

    assert made == {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    settings = SERVICES["web"]["environment"]
    for variable in ("KMS_DATABASE_URL_FILE", "KMS_REDIS_URL_FILE", "KMS_SECRET_KEY_FILE"):
        assert (tmp_path / os.path.relpath(settings[variable], "/secrets")).is_file()
    assert (tmp_path / "database/password").read_text() in (tmp_path / "app/database-url").read_text()
    assert f"requirepass {(tmp_path / 'broker/password').read_text()}\n" in (tmp_path / "broker/redis.conf").read_text()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "app").iterdir())


@each_service
def test_no_service_may_write_to_its_image_or_hold_a_capability(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("user") != "root"
    assert "privileged" not in service


@pytest.mark.parametrize("name", ["database", "broker", "web", "worker", "beat"])
def test_every_lasting_service_has_a_health_check(name):
    assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_the_web_server_itself_is_asked_for_its_health():
    assert SERVICES["web"]["healthcheck"]["test"][-2:] == ["ready", "--web"]


@each_of_ours
def test_a_container_is_given_the_time_that_its_process_takes_to_stop(name):
    seconds = int(OURS[name]["stop_grace_period"].removesuffix("s"))

    assert seconds > server.STOP_SECONDS + serve.BEAT_STOP_SECONDS


@each_service
def test_every_volume_and_every_dependency_is_declared(name):
    service = SERVICES[name]

    assert {volume.split(":")[0] for volume in service["volumes"]} <= set(COMPOSE["volumes"])
    assert set(service["depends_on"]) <= set(SERVICES)


def test_nothing_is_published_beyond_the_loopback_interface():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert published == ["127.0.0.1:${PORT:-8000}:8000"]


@each_service
def test_no_secret_is_a_value(name):
    variables = SERVICES[name].get("environment", {})
    secret = {
        variable for variable in variables if re.search(r"PASSWORD|SECRET|DATABASE_URL|REDIS_URL|ROOT_KEY", variable)
    }

    assert all(variable.endswith("_FILE") for variable in secret)


def test_the_image_runs_as_nobody_in_particular():
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, flags=re.MULTILINE)

    assert users == ["kms"]
    assert "--require-hashes" in DOCKERFILE


def test_the_image_holds_every_package_that_runs():
    ignore = (ROOT / ".dockerignore").read_text()
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}

    assert all(f"!{name}\n" in ignore for name in packages | {"templates", "static", "manage.py", "requirements.txt"})


def test_with_a_hardware_module_everything_else_is_the_same():
    plain = set((ROOT / "requirements.txt").read_text().splitlines())
    with_module = set((ROOT / "requirements-hsm.txt").read_text().splitlines())
    added = {line.split("==")[0] for line in with_module - plain if "==" in line}

    assert plain < with_module
    assert added == {"python-pkcs11", "asn1crypto"}
