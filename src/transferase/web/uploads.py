"""Files that arrive: streamed to the disk, never into memory, and dropped on the way when they are too large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, TemporaryFileUploadHandler

if TYPE_CHECKING:
    from django.http import HttpRequest

# The parts of a form around the file.
SLACK = 64 * 1024


class NoUpload(FileUploadHandler):
    """Takes no file: whoever sends one to a form that asks for none must not fill the disk with it."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        raise SkipFile

    def file_complete(self, file_size: int) -> None:
        return None


class BoundedUpload(FileUploadHandler):
    """Skips a file that is larger than an import may be, and leaves word of it on the request.

    The rest of the body is read and thrown away, so that the browser gets an answer instead of a broken connection.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],  # noqa: N803 - Django's name
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        self.limit = settings.IMPORT_MAX_BYTES
        self.is_hopeless = content_length > self.limit + SLACK

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if self.is_hopeless or start + len(raw_data) > self.limit:
            self.request.refused_upload = True  # type: ignore[union-attr]
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


def bound_uploads(request: HttpRequest) -> None:
    """Take files of a request in this way; must come before anything reads the form."""
    request.upload_handlers = [BoundedUpload(request), TemporaryFileUploadHandler(request)]
