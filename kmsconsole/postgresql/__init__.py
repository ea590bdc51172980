"""Django's PostgreSQL backend with a bound on every wait: the ENGINE of `kmsconsole.database`."""
