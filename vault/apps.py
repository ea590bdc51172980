"""The strong room as a Django app; every process that loads it is hardened before it can hold a key (SEC-008)."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "vault"
    verbose_name = "Strong room"

    def ready(self) -> None:
        from vault import process

        process.harden()
