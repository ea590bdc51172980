from django.apps import AppConfig


class KeysConfig(AppConfig):
    name = "keys"

    def ready(self) -> None:
        from keys import material
        from vault import holdings

        holdings.register(material.SEALED)
