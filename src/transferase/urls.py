"""Where the doors are: pages under a language prefix, the API under its version."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path
from django.views.generic import RedirectView

from transferase.api.v1 import api

urlpatterns = [
    path("api/v1/", api.urls),
    path("", include("transferase.web.urls_plain")),
    *i18n_patterns(
        # The address that somebody signs in with is changed by nobody past the services of the directory.
        path("account/email/", RedirectView.as_view(pattern_name="settings")),
        path("account/", include("allauth.account.urls")),
        path("", include("transferase.web.urls")),
    ),
]

handler400 = "transferase.web.errors.bad_request"
handler403 = "transferase.web.errors.forbidden"
handler404 = "transferase.web.errors.not_found"
handler500 = "transferase.web.errors.server_error"
