"""The application as `serve` runs it: pages are served while the model loads, so that the first search finds it."""

import threading

from transferase.wsgi import application

from transferase.matching import queries  # isort: skip - app ready

__all__ = ["application"]

threading.Thread(target=queries.make_ready, daemon=True).start()
