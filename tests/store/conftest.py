"""An empty database for each test: PostgreSQL, where Debian's package is installed."""

import pytest

import postgres_server


@pytest.fixture(scope="session")
def postgres_url():
    if not postgres_server.is_installed():
        pytest.skip(postgres_server.ABSENT)
    with postgres_server.running() as folder:
        yield f"postgresql+psycopg://tests@/postgres?host={folder}"


@pytest.fixture
def postgres(postgres_url):
    """The URL of an empty database; only one test at a time uses it."""
    import psycopg

    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return postgres_url
