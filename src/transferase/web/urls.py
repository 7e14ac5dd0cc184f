"""Addresses of pages below the language prefix."""

from __future__ import annotations

from django.urls import path

from transferase.web import catalogue, directory, matching

urlpatterns = [
    path("", catalogue.front, name="front"),
    path("search", catalogue.search, name="search"),
    path("offers", catalogue.offers, name="offers"),
    path("offers/<uuid:listing_id>", catalogue.offer, name="offer"),
    path("offers/<uuid:listing_id>/matches", matching.offer_matches, name="offer_matches"),
    path("needs", catalogue.needs, name="needs"),
    path("needs/<uuid:listing_id>", catalogue.need, name="need"),
    path("needs/<uuid:listing_id>/matches", matching.need_matches, name="need_matches"),
    path("matches/<uuid:need_id>/<uuid:offer_id>", matching.match, name="match"),
    path("organisations", directory.organisations, name="organisations"),
    path("organisations/<int:organisation_id>", directory.organisation, name="organisation"),
]
