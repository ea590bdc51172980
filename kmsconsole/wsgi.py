"""What the web server loads. Start it with `manage.py serve`."""

import os

from django.core.wsgi import get_wsgi_application

from kmsconsole.checks import refuse_faulty_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kmsconsole.settings")

application = get_wsgi_application()

refuse_faulty_start()
