"""Version 1 of the API."""

from ninja import NinjaAPI

api = NinjaAPI(title="Transferase", version="1")
