"""Addresses without a language prefix."""

from __future__ import annotations

from django.urls import path, re_path

from transferase.web import plain

urlpatterns = [
    path("healthz", plain.health, name="health"),
    path("robots.txt", plain.robots, name="robots"),
    path("favicon.ico", plain.favicon, name="favicon"),
    path("look", plain.look, name="look"),
    re_path(r"^(?:zh|zh-(?:cn|CN|sg|SG|Hans|HANS))/(?P<place>.*)$", plain.simplified),
]
