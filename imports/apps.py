from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "imports"
    verbose_name = "Imports"

    def ready(self) -> None:
        from imports.services import parameters
        from vault import holdings

        holdings.register(parameters.SEALED)
