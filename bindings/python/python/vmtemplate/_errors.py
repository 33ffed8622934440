"""The exceptions: one base, and for each kind of error one class that is also what Python people would catch."""

from __future__ import annotations

import errno as _errno
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from ._enums import ErrorKind
from ._values import Position


@dataclass(frozen=True)
class ErrorContext:
    """Where something went wrong, and how to mend it; what is not known is None or empty."""

    path: Path | None = None
    """The file or folder."""
    entry: str | None = None
    """The file inside of an archive."""
    position: Position | None = None
    """Line and column in the text."""
    field: str | None = None
    """The field, element or macro."""
    help: str | None = None
    """How to mend it."""
    problems: tuple[VmTemplateError, ...] = ()
    """All of them, where several were found at once."""
    causes: tuple[str, ...] = ()
    """What this came of, the nearest cause first."""


class VmTemplateError(Exception):
    """Whatever this module raises of its own accord.

    `str()` of it tells all: where, what was found, what was expected, the causes, and how to mend it.

    >>> import vmtemplate as vt
    >>> try:
    ...     vt.Template.open("/no/such/template.tar.gz")
    ... except vt.VmTemplateError as error:
    ...     print(error.kind, error.context.path)
    ErrorKind.NOT_FOUND /no/such/template.tar.gz
    """

    kind: ErrorKind
    """What went wrong, as a program asks it."""
    message: str
    """What went wrong, without the place."""
    context: ErrorContext
    """Where, and how to mend it."""

    def __init__(
        self,
        message: str,
        kind: ErrorKind = ErrorKind.INVALID_VALUE,
        context: ErrorContext | None = None,
        text: str | None = None,
        code: int | None = None,
    ) -> None:
        self._text = message if text is None else text
        self.message = message
        self.kind = kind
        self.context = context = context or ErrorContext()
        if isinstance(self, OSError):
            number = code if code is not None else _NUMBERS.get(kind, _errno.EIO)
            OSError.__init__(self, number, message, None if context.path is None else str(context.path))
        else:
            super().__init__(self._text)

    def __str__(self) -> str:
        return self._text

    def __reduce__(self) -> tuple[Callable[..., VmTemplateError], tuple[Any, ...]]:
        # `OSError` keeps its number elsewhere than others do.
        return type(self), (self.message, self.kind, self.context, self._text, getattr(self, "errno", None))


class NotFoundError(VmTemplateError, FileNotFoundError):
    """A file, folder, or something in one is not there."""


class PermissionDeniedError(VmTemplateError, PermissionError):
    """The system does not allow it."""


class AlreadyExistsError(VmTemplateError, FileExistsError):
    """The output is there already, and was not to be overwritten."""


class StorageFullError(VmTemplateError, OSError):
    """The disk is full. What was there is unchanged."""


class InputOutputError(VmTemplateError, OSError):
    """Reading or writing failed for another reason."""


class CancelledError(VmTemplateError):
    """A `CancelToken` stopped the work. Nothing is left half-written."""


class InvalidValueError(VmTemplateError, ValueError):
    """A value that was given is no good."""


class InvalidMetainfoError(VmTemplateError, ValueError):
    """A metainfo.xml is no good."""


class InvalidMacroError(VmTemplateError, ValueError):
    """The name of a macro is no good."""


class InvalidScriptError(VmTemplateError, ValueError):
    """A script is no good, or a value cannot be quoted in it."""


class InvalidImageError(VmTemplateError, ValueError):
    """A disk image contradicts its format."""


class UnsupportedError(VmTemplateError):
    """It is sound, but uses what is not read here."""


class ImageChangedError(VmTemplateError):
    """The disk image was written to while it was read."""


class InvalidTemplateError(VmTemplateError, ValueError):
    """The parts of a template do not fit together."""


class InvalidArchiveError(VmTemplateError, ValueError):
    """An archive is damaged, or none."""


class UnsafeArchiveError(VmTemplateError, ValueError):
    """An archive would do harm where it is unpacked."""


class LimitExceededError(VmTemplateError, ValueError):
    """Something is larger than its bound."""


class InvalidRepositoryError(VmTemplateError, ValueError):
    """The description of a repository is no good."""


class LockedError(VmTemplateError, TimeoutError):
    """Another publisher held the repository for longer than was to be waited."""


class InvalidSignatureError(VmTemplateError, ValueError):
    """A signature or key does not fit."""


class NetworkError(VmTemplateError, ConnectionError):
    """A server cannot be reached, or did not answer as it should."""


_NUMBERS = {
    ErrorKind.NOT_FOUND: _errno.ENOENT,
    ErrorKind.PERMISSION_DENIED: _errno.EACCES,
    ErrorKind.ALREADY_EXISTS: _errno.EEXIST,
    ErrorKind.STORAGE_FULL: _errno.ENOSPC,
    ErrorKind.LOCKED: _errno.ETIMEDOUT,
}

CLASSES: dict[ErrorKind, type[VmTemplateError]] = {
    ErrorKind.NOT_FOUND: NotFoundError,
    ErrorKind.PERMISSION_DENIED: PermissionDeniedError,
    ErrorKind.ALREADY_EXISTS: AlreadyExistsError,
    ErrorKind.STORAGE_FULL: StorageFullError,
    ErrorKind.IO: InputOutputError,
    ErrorKind.CANCELLED: CancelledError,
    ErrorKind.INVALID_VALUE: InvalidValueError,
    ErrorKind.INVALID_METAINFO: InvalidMetainfoError,
    ErrorKind.INVALID_MACRO: InvalidMacroError,
    ErrorKind.INVALID_SCRIPT: InvalidScriptError,
    ErrorKind.INVALID_IMAGE: InvalidImageError,
    ErrorKind.UNSUPPORTED: UnsupportedError,
    ErrorKind.IMAGE_CHANGED: ImageChangedError,
    ErrorKind.INVALID_TEMPLATE: InvalidTemplateError,
    ErrorKind.INVALID_ARCHIVE: InvalidArchiveError,
    ErrorKind.UNSAFE_ARCHIVE: UnsafeArchiveError,
    ErrorKind.LIMIT_EXCEEDED: LimitExceededError,
    ErrorKind.INVALID_REPOSITORY: InvalidRepositoryError,
    ErrorKind.LOCKED: LockedError,
    ErrorKind.INVALID_SIGNATURE: InvalidSignatureError,
    ErrorKind.NETWORK: NetworkError,
}


def make(kind: str, message: str, text: str, code: int | None, context: tuple[Any, ...]) -> VmTemplateError:
    """The exception for an error of the library, which calls this."""
    named = ErrorKind(kind)
    return CLASSES[named](message, named, ErrorContext(*context), text, code)
