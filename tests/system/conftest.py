"""One deployment for all tests of a worker process. Tests that stop part of it start it again."""

from __future__ import annotations

import pytest

from tests.system.deployment import Client, deployed


@pytest.fixture(scope="session")
def deployment(image, postgresql_server, redis_server):
    with deployed(image, database_url=postgresql_server.create_database(), broker_url=redis_server.url) as running:
        yield running


@pytest.fixture(scope="session")
def client(deployment) -> Client:
    return Client(deployment)
