"""The servers that other tests rely on answer, and guard their door."""

from __future__ import annotations

import psycopg
import pytest
import redis

pytestmark = pytest.mark.system


def test_a_new_postgresql_database_is_empty(postgresql_server):
    with psycopg.connect(postgresql_server.create_database()) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()

    assert tables == (0,)


def test_postgresql_wants_its_password(postgresql_server):
    url = postgresql_server.url("postgres").replace(postgresql_server.password, "wrong")

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url)


def test_redis_keeps_what_it_is_given(redis_server):
    client = redis.Redis.from_url(redis_server.url)

    client.set("name", b"value")

    assert client.get("name") == b"value"


def test_redis_wants_its_password(redis_server):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=redis_server.port).ping()
