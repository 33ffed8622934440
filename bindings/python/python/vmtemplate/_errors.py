"""The exceptions: a base class, and a class for each kind that also derives from the matching built-in exception."""

from __future__ import annotations

import errno as _errno
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable

from ._enums import ErrorKind
from ._values import Position


@dataclass(frozen=True)
class ErrorContext:
    """Where something went wrong, and how to fix it; what is not known is None or empty."""

    path: Path | None = None
    """The file or folder."""
    entry: str | None = None
    """The file inside an archive."""
    position: Position | None = None
    """Line and column in a text."""
    field: str | None = None
    """The field, element or macro."""
    help: str | None = None
    """How to fix it."""
    problems: tuple[VmTemplateError, ...] = ()
    """All problems, if several were found at once."""
    causes: tuple[str, ...] = ()
    """The causes, the nearest one first."""


class VmTemplateError(Exception):
    """The base class of all exceptions of this module.

    `str()` returns the whole message: where, what was found, what was expected, the causes, and how to fix it.

    >>> import vmtemplate as vt
    >>> try:
    ...     vt.Template.open("/no/such/template.tar.gz")
    ... except vt.VmTemplateError as error:
    ...     print(error.kind, error.context.path)
    not-found /no/such/template.tar.gz
    """

    def __init__(
        self,
        message: str,
        kind: ErrorKind = ErrorKind.INVALID_VALUE,
        context: ErrorContext | None = None,
        text: str | None = None,
        code: int | None = None,
    ) -> None:
        self._text = message if text is None else text
        self._message = message
        self._kind = kind
        self._context = context = context or ErrorContext()
        if isinstance(self, OSError):
            number = code if code is not None else _NUMBERS.get(kind, _errno.EIO)
            OSError.__init__(self, number, message, None if context.path is None else str(context.path))
        else:
            super().__init__(self._text)

    @property
    def kind(self) -> ErrorKind:
        """What went wrong, for a program to compare."""
        return self._kind

    @property
    def message(self) -> str:
        """What went wrong, without the place."""
        return self._message

    @property
    def context(self) -> ErrorContext:
        """Where it went wrong, and how to fix it."""
        return self._context

    def __str__(self) -> str:
        return self._text

    def __reduce__(self) -> tuple[Callable[..., VmTemplateError], tuple[Any, ...]]:
        # `OSError` stores its number in another place than other exceptions do.
        # A combined class cannot be found by its name.
        again: Callable[..., VmTemplateError] = remake if isinstance(self, _Combined) else type(self)
        return again, (self.message, self.kind, self.context, self._text, getattr(self, "errno", None))


class NotFoundError(VmTemplateError, FileNotFoundError):
    """A file or folder, or something in it, does not exist."""


class PermissionDeniedError(VmTemplateError, PermissionError):
    """The operating system does not allow it."""


class AlreadyExistsError(VmTemplateError, FileExistsError):
    """The output already exists, and `overwrite` is not set."""


class StorageFullError(VmTemplateError, OSError):
    """The disk is full. Existing files are unchanged."""


class InputOutputError(VmTemplateError, OSError):
    """Reading or writing failed for another reason."""


class CancelledError(VmTemplateError):
    """A `CancelToken` cancelled the work. No partial output is left."""


class InvalidValueError(VmTemplateError, ValueError):
    """An argument has an invalid value."""


class InvalidMetainfoError(VmTemplateError, ValueError):
    """A metainfo.xml is invalid."""


class InvalidMacroError(VmTemplateError, ValueError):
    """The name of a macro is invalid."""


class InvalidScriptError(VmTemplateError, ValueError):
    """A script is invalid, or a value cannot be quoted in it."""


class InvalidImageError(VmTemplateError, ValueError):
    """A disk image contradicts its format."""


class UnsupportedError(VmTemplateError):
    """The input is intact, but uses a feature that is not supported."""


class SourceChangedError(VmTemplateError):
    """The disk image was written to while it was read."""


class InvalidTemplateError(VmTemplateError, ValueError):
    """A template is incomplete, or its parts contradict each other."""


class InvalidArchiveError(VmTemplateError, ValueError):
    """A file is damaged or is not an archive."""


class UnsafeArchiveError(VmTemplateError, ValueError):
    """Unpacking the archive could do harm."""


class LimitExceededError(VmTemplateError, ValueError):
    """A bound on hostile input was exceeded."""


class InvalidRepositoryError(VmTemplateError, ValueError):
    """The description of a repository is invalid."""


class LockedError(VmTemplateError, TimeoutError):
    """Another publisher did not finish before the timeout."""


class InvalidSignatureError(VmTemplateError, ValueError):
    """A signature is missing or invalid."""


class NetworkError(VmTemplateError, ConnectionError):
    """A server cannot be reached, or its response is wrong."""


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
    ErrorKind.SOURCE_CHANGED: SourceChangedError,
    ErrorKind.INVALID_TEMPLATE: InvalidTemplateError,
    ErrorKind.INVALID_ARCHIVE: InvalidArchiveError,
    ErrorKind.UNSAFE_ARCHIVE: UnsafeArchiveError,
    ErrorKind.LIMIT_EXCEEDED: LimitExceededError,
    ErrorKind.INVALID_REPOSITORY: InvalidRepositoryError,
    ErrorKind.LOCKED: LockedError,
    ErrorKind.INVALID_SIGNATURE: InvalidSignatureError,
    ErrorKind.NETWORK: NetworkError,
}


class _Combined:
    """The mark of a class that is made when it is needed."""


_COMBINED: dict[tuple[type[VmTemplateError], type[VmTemplateError]], type[VmTemplateError]] = {}


def _combined(outer: type[VmTemplateError], inner: type[VmTemplateError]) -> type[VmTemplateError]:
    """A class that is both: a template that is invalid because a file does not exist is a `FileNotFoundError`."""
    if (outer, inner) not in _COMBINED:
        members = {"__module__": outer.__module__, "__doc__": outer.__doc__}
        _COMBINED[outer, inner] = type(outer.__name__, (inner, outer, _Combined), members)
    return _COMBINED[outer, inner]


def remake(
    message: str, kind: ErrorKind, context: ErrorContext, text: str, code: int | None
) -> VmTemplateError:
    """The exception of a kind. If all of its problems are of one class, it is of that class as well."""
    cls = CLASSES[kind]
    classes = {CLASSES[problem.kind] for problem in context.problems}
    if len(classes) == 1 and issubclass(inner := classes.pop(), OSError) and inner is not cls:
        first = context.problems[0]
        cls = _combined(cls, inner)
        context = replace(context, path=context.path or first.context.path)
        code = code if code is not None else getattr(first, "errno", None)
    return cls(message, kind, context, text, code)


def make(kind: str, message: str, text: str, code: int | None, context: tuple[Any, ...]) -> VmTemplateError:
    """The exception for an error; called by the library."""
    made = remake(message, ErrorKind(kind), ErrorContext(*context), text, code)
    if len(made.context.problems) == 1:
        made.__cause__ = made.context.problems[0]
    return made
