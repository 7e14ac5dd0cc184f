"""The application that a WSGI server runs."""

import os
import threading

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "transferase.settings")
application = get_wsgi_application()

if os.environ.get("TRANSFERASE_WARM") == "1":
    from transferase.matching import queries

    # Pages are served meanwhile; the first search then finds the model loaded.
    threading.Thread(target=queries.make_ready, daemon=True).start()
