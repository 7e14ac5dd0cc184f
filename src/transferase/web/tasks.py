"""Work that a door does later: letters are written in words only when they leave."""

from __future__ import annotations

from django.utils import timezone

from transferase.foundation.queue import periodic
from transferase.matching import queries
from transferase.web import letters

# So many letters in a minute, so that other work gets its turn.
MOST_AT_ONCE = 100


@periodic("web.send_digests", cron="* * * * *", queue="mail")
def send_digests(timestamp: int) -> None:
    """Send the letters that are due; when the mail server cannot be reached the others wait, too."""
    for digest_id in queries.digests_due(timezone.now(), MOST_AT_ONCE):
        if not letters.deliver(digest_id):
            return
