"""Sign-up and sign-in."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django import forms


class AccountAdapter(DefaultAccountAdapter):
    """Persons reach the directory through its services."""


class SignupForm(forms.Form):
    """What a new person tells."""
