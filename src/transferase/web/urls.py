"""Addresses of pages below the language prefix."""

from __future__ import annotations

from django.urls import path

from transferase.web import (
    accounts,
    catalogue,
    desk,
    directory,
    editing,
    hints,
    listing,
    matching,
    publishing,
    review,
    search,
)

urlpatterns = [
    path("", catalogue.front, name="front"),
    path("search", search.search, name="search"),
    path("offers", search.search, {"kind": "offer"}, name="offers"),
    path("offers/<uuid:listing_id>", listing.offer, name="offer"),
    path("offers/<uuid:listing_id>/matches", matching.offer_matches, name="offer_matches"),
    path("needs", search.search, {"kind": "need"}, name="needs"),
    path("needs/<uuid:listing_id>", listing.need, name="need"),
    path("needs/<uuid:listing_id>/matches", matching.need_matches, name="need_matches"),
    path("matches/<uuid:need_id>/<uuid:offer_id>", matching.match, name="match"),
    path("organisations", directory.organisations, name="organisations"),
    path("organisations/<int:organisation_id>", directory.organisation, name="organisation"),
    path("desk", desk.desk, name="desk"),
    path("desk/seen", desk.notices_seen, name="notices_seen"),
    path("desk/settings", accounts.settings, name="settings"),
    path("desk/settings/keys/<int:token_id>/revoke", accounts.token_revoke, name="token_revoke"),
    path("desk/memberships/<int:membership_id>/end", accounts.membership_end, name="membership_end"),
    path("organisations/new", accounts.organisation_new, name="organisation_new"),
    path("organisations/<int:organisation_id>/edit", accounts.organisation_edit, name="organisation_edit"),
    path("organisations/<int:organisation_id>/verify", accounts.organisation_verify, name="organisation_verify"),
    path("offers/new", editing.offer_new, name="offer_new"),
    path("offers/<uuid:listing_id>/edit/check", publishing.check, name="offer_check"),
    path("offers/<uuid:listing_id>/edit", editing.edit, name="offer_edit"),
    path("offers/<uuid:listing_id>/edit/<slug:step>", editing.edit, name="offer_edit"),
    path("needs/new", editing.need_new, name="need_new"),
    path("needs/<uuid:listing_id>/edit/check", publishing.check, name="need_check"),
    path("needs/<uuid:listing_id>/edit", editing.edit, name="need_edit"),
    path("needs/<uuid:listing_id>/edit/<slug:step>", editing.edit, name="need_edit"),
    path("listings/<uuid:listing_id>/manage", publishing.manage, name="listing_manage"),
    path("listings/<uuid:listing_id>/manage/<slug:name>", publishing.act, name="listing_act"),
    path("listings/<uuid:listing_id>/first-matches", hints.listing_matches_preview, name="listing_matches_preview"),
    path("hints/<slug:direction>", hints.listing_hints, name="listing_hints"),
    path("hints/<slug:direction>/matches", hints.text_matches, name="text_matches"),
    path("terms/<slug:name>", hints.term_search, name="term_search"),
    path("review", review.review, name="review"),
    path("review/<uuid:listing_id>/publish", review.publish, name="review_publish"),
    path("review/<uuid:listing_id>/send-back", review.send_back, name="review_send_back"),
]
