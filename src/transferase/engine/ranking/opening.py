"""Which model embeds, by one setting: the packaged one, a folder of this machine, or an endpoint."""

from pathlib import Path

from transferase.engine.ranking.embedding import Embedder, EmbedderUnavailable, Prefixes, Role
from transferase.engine.ranking.endpoint import PATIENCE, EndpointEmbedder, endpoint_version
from transferase.engine.ranking.folder import FolderEmbedder, read_folder
from transferase.engine.ranking.packaged import MODEL_VERSION, RUNTIMES, load_embedder


def open_embedder(
    wanted: str,
    *,
    cache: Path,
    key: str = "",
    prefixes: Prefixes | None = None,
    dimension: int | None = None,
    patience: float = PATIENCE,
) -> Embedder:
    """The model that a setting names, ready to embed; raises EmbedderUnavailable with a sentence that says why not.

    `wanted` is empty or a runtime (the packaged model, its graph kept in `cache`), a folder that holds an ONNX
    sentence-transformer, or the address of an endpoint with the name of the model, `https://host/v1#model`. `prefixes`
    stand before texts by role, instead of what the folder says; `key`, `dimension` and `patience` are for endpoints.
    """
    if "://" in wanted:
        return EndpointEmbedder(wanted, key, prefixes=prefixes, dimension=dimension, patience=patience)
    if is_folder(wanted):
        return FolderEmbedder(Path(wanted).expanduser(), prefixes)
    return load_embedder(cache, wanted or None)


def embedder_version(wanted: str, *, prefixes: Prefixes | None = None, dimension: int | None = None) -> str:
    """Names the vector space of a setting without loading or asking the model; vectors of two are never compared.

    Raises EmbedderUnavailable when the setting names nothing that could be loaded.
    """
    if "://" in wanted:
        return endpoint_version(wanted, prefixes, dimension)
    if is_folder(wanted):
        return read_folder(Path(wanted).expanduser(), prefixes).version
    if wanted and wanted not in RUNTIMES:
        raise EmbedderUnavailable(f"{wanted} is no runtime, no folder and no address")
    return MODEL_VERSION


def is_folder(wanted: str) -> bool:
    """Whether a setting is meant as the path of a folder; it need not exist."""
    return "://" not in wanted and ("/" in wanted or "\\" in wanted or wanted.startswith("~"))


def read_prefixes(stated: str) -> Prefixes | None:
    """The prefixes of a setting such as "query: |passage: "; None where nothing is stated.

    The first stands before needs and typed words, the second before offers and before sentences that are compared.
    """
    if not stated:
        return None
    asked, _, offered = stated.partition("|")
    return {Role.QUERY: asked, Role.PASSAGE: offered, Role.SENTENCE: offered}
