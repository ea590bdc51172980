"""The cloud's own Python client, otcextensions through openstacksdk, pointed at the running product."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import openstack
from openstack.connection import Connection
from otcextensions import sdk

REGION = "eu-de"


def by_name(wire) -> dict[str, str]:
    return {"project_name": REGION, "project_domain_name": wire.console.account}


def by_id(wire) -> dict[str, str]:
    return {"project_id": wire.project_id}


@contextmanager
def connected(wire, **auth: str) -> Iterator[Connection]:
    """As its manual says: address, name and password, region; the rest it finds in the catalog."""
    connection = openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        region_name=REGION,
        auth={
            "auth_url": f"{wire.console.url}/v3",
            "username": wire.user,
            "password": wire.password,
            "user_domain_name": wire.console.account,
            **(auth or by_name(wire)),
        },
    )
    sdk.register_otc_extensions(connection)
    with connection:
        yield connection


def unique(name: str) -> str:
    return f"{name}-{os.urandom(5).hex()}"
