"""Uploads go straight to disk, and no further than the limits."""

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class BoundedUpload(TemporaryFileUploadHandler):
    """Keeps the bytes of as many files as are allowed and as many of each as are allowed, and
    counts the rest: the form can then refuse what is too much by its name and true size, without
    having filled the disk or run out of descriptors.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.files = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.files += 1

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        room = settings.COLORIA_MAX_MEGABYTES * 2**20 + 1 - start
        if self.files <= settings.COLORIA_MAX_FILES and room > 0:
            self.file.write(raw_data[:room])
        return None

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        file = super().file_complete(file_size)
        if file and self.files > settings.COLORIA_MAX_FILES:
            file.close()  # its name and size are known; its descriptor is free again
        return file
