"""What the web server loads. Start it with `kmsconsole.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kmsconsole.settings")

application = get_wsgi_application()
