"""Embedding by a model behind an OpenAI-compatible endpoint, on this machine or elsewhere.

The dimension is that of the first answer. A request that fails in passing (no connection, 429, 5xx) is tried again
with growing pauses while the call may last; everything else is refused with a sentence that says what is wrong.
"""

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

import httpx
import numpy as np

from transferase.engine.ranking._e5_file import Floats
from transferase.engine.ranking.embedding import EmbedderUnavailable, Prefixes, Role, part_size, unit

# A request holds so many texts at most, and so many letters: servers limit both.
BATCH_TEXTS = 64
BATCH_LETTERS = 60_000
# The longest text sent: endpoints refuse what is longer than their model reads, seldom less than four parts.
MOST_PARTS = 4
PATIENCE = 60.0
_CHANCE = random.SystemRandom()
_TRIES = 4
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
_CONNECT_SECONDS = 5.0
_IN_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class AddressInvalid(EmbedderUnavailable):
    """The address of an endpoint does not name a server and a model."""


def endpoint_version(address: str, prefixes: Prefixes | None = None, dimension: int | None = None) -> str:
    """Names the vector space of an endpoint without asking it: model, dimension asked for, prefixes if any."""
    _, model = _split(address)
    version = f"endpoint/{model}"
    if dimension:
        version += f"/{dimension}"
    if prefixes:
        said = "|".join(prefixes.get(role, "") for role in Role)
        version += f"/{hashlib.sha256(said.encode()).hexdigest()[:8]}"
    if len(version) <= 80:
        return version
    return f"{version[:71]}/{hashlib.sha256(version.encode()).hexdigest()[:8]}"


def _split(address: str) -> tuple[str, str]:
    url, _, model = address.partition("#")
    parsed = urlsplit(url)
    if parsed.scheme not in {"http", "https"} or not parsed.hostname or not model:
        raise AddressInvalid("the address of an embedding endpoint must look like https://host/v1#model")
    return url.rstrip("/") + "/", model


class EndpointEmbedder:
    """A model behind an endpoint, given as `https://host/v1#model`."""

    def __init__(
        self,
        address: str,
        key: str = "",
        *,
        prefixes: Prefixes | None = None,
        dimension: int | None = None,
        patience: float = PATIENCE,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Asks for one vector, which tells the dimension; raises EmbedderUnavailable when that fails.

        `dimension` is asked of the endpoint (models that can shorten their vectors); `patience` is how many seconds a
        call of `embed` may take for each batch, repetitions included.
        """
        url, self._model = _split(address)
        self._host = urlsplit(url).netloc.rpartition("@")[2]
        self._prefixes = dict(prefixes or {})
        self._asked = dimension
        self._version = endpoint_version(address, prefixes, dimension)
        self._patience = patience
        self._pause = pause
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = httpx.Timeout(patience, connect=min(_CONNECT_SECONDS, patience))
        self._client = httpx.Client(base_url=url, headers=headers, timeout=timeout, follow_redirects=False)
        try:
            self._dimension = int(self._request(["dimension"], None).shape[1])
        except EmbedderUnavailable:
            self._client.close()
            raise

    def close(self) -> None:
        """Lets go of the connection."""
        self._client.close()

    @property
    def name(self) -> str:
        """Model and host."""
        return f"{self._model}, endpoint at {self._host}"

    @property
    def model_version(self) -> str:
        """Names the vector space."""
        return self._version

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self._dimension

    def embed(self, texts: Sequence[str], role: Role) -> Floats:
        """Unit vectors of the texts; raises EmbedderUnavailable when the endpoint fails or answers wrongly."""
        prefix = self._prefixes.get(role, "")
        vectors = np.empty((len(texts), self._dimension), np.float32)
        for batch in _batches([prefix + _sendable(text) for text in texts]):
            start, sent = batch
            vectors[start : start + len(sent)] = self._request(sent, self._dimension)
        return vectors

    def _request(self, texts: list[str], dimension: int | None) -> Floats:
        body: dict[str, object] = {"model": self._model, "input": texts, "encoding_format": "float"}
        if self._asked:
            body["dimensions"] = self._asked
        answer = self._answer(body)
        return self._vectors(answer, len(texts), dimension)

    def _answer(self, body: dict[str, object]) -> httpx.Response:
        ends = time.monotonic() + self._patience
        for attempt in range(1, _TRIES + 1):
            wait = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (attempt - 1)) * _CHANCE.uniform(0.5, 1)
            try:
                left = max(0.05, ends - time.monotonic())
                answer = self._client.post("embeddings", json=body, timeout=httpx.Timeout(left, connect=min(5, left)))
            except httpx.TimeoutException:
                failure = "does not answer in time"
            except httpx.TransportError as error:
                failure = f"cannot be reached ({type(error).__name__})"
            else:
                if answer.is_success:
                    return answer
                if answer.status_code not in _IN_PASSING:
                    raise EmbedderUnavailable(f"the embedding endpoint at {self._host} {_refusal(answer, self._model)}")
                failure = f"answers with status {answer.status_code}"
                wait = max(wait, _retry_after(answer))
            if attempt == _TRIES or time.monotonic() + wait >= ends:
                raise EmbedderUnavailable(f"the embedding endpoint at {self._host} {failure}")
            self._pause(wait)
        raise AssertionError("the last try returns or raises")

    def _vectors(self, answer: httpx.Response, count: int, dimension: int | None) -> Floats:
        said = f"the embedding endpoint at {self._host}"
        try:
            rows = answer.json()["data"]
            places = [int(row.get("index", place)) for place, row in enumerate(rows)]
            found = [np.asarray(row["embedding"], np.float32) for row in rows]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EmbedderUnavailable(f"{said} answers with something other than embeddings") from error
        if len(found) != count or sorted(places) != list(range(count)):
            raise EmbedderUnavailable(f"{said} gives {len(found)} vectors for {count} texts")
        sizes = {vector.shape for vector in found}
        if len(sizes) != 1 or len(size := sizes.pop()) != 1 or size[0] < 1:
            raise EmbedderUnavailable(f"{said} gives vectors of different lengths")
        if dimension is not None and size[0] != dimension:
            raise EmbedderUnavailable(f"{said} gives vectors of {size[0]} numbers, not {dimension}")
        if self._asked and size[0] != self._asked:
            raise EmbedderUnavailable(f"{said} gives vectors of {size[0]} numbers, not the {self._asked} asked for")
        vectors = np.empty((count, size[0]), np.float32)
        vectors[places] = np.vstack(found)
        lengths = np.linalg.norm(vectors, axis=1)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise EmbedderUnavailable(f"{said} gives vectors that are zero or no numbers")
        return unit(vectors)


def _refusal(answer: httpx.Response, model: str) -> str:
    if answer.status_code in {401, 403}:
        return "refuses the key"
    if answer.status_code == 404:
        return f"does not know the model {model} or the path"
    if answer.is_redirect:
        return "sends on to another address: configure that one"
    return f"refuses the texts (status {answer.status_code})"


def _retry_after(answer: httpx.Response) -> float:
    try:
        return max(0.0, float(answer.headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0


def _sendable(text: str) -> str:
    # Servers refuse empty texts, and some a NUL.
    said = text.replace("\x00", " ")[: MOST_PARTS * part_size(text)]
    return said if said.strip() else "."


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    start, letters = 0, 0
    batch: list[str] = []
    for number, text in enumerate(texts):
        if batch and (len(batch) == BATCH_TEXTS or letters + len(text) > BATCH_LETTERS):
            yield start, batch
            start, letters, batch = number, 0, []
        batch.append(text)
        letters += len(text)
    if batch:
        yield start, batch
