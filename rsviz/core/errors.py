"""Errors that are shown to the user as written.

Raising one of these is a statement: the message says what happened (with the numbers) and
what was expected; the hint says what to do. Anything else that escapes is our fault and is
shown as a short reference number with the traceback in the log.
"""

from __future__ import annotations


class RsvizError(Exception):
    """Something a user can understand and act on."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[type[RsvizError], tuple[str, str]]:
        return type(self), (self.message, self.hint)


class UnreadableScene(RsvizError):
    """The file is damaged, of another format, or holds no scene."""


class SceneTooLarge(RsvizError):
    """Reading or processing would exceed the byte budget."""


class SceneMismatch(RsvizError):
    """The scene does not fit the model, the weights or another scene."""


class BadOption(RsvizError):
    """A setting is unknown or outside its range."""


class WeightsMissing(RsvizError):
    """The weights are absent or do not match their recorded hash."""


class OutOfMemory(RsvizError):
    """The device ran out of memory even with the smallest batch."""


class ModelFailed(RsvizError):
    """The model produced something that its card does not promise, or died."""


class Cancelled(RsvizError):
    """The user cancelled the run."""


ERRORS: dict[str, type[RsvizError]] = {
    cls.__name__: cls
    for cls in (
        RsvizError,
        UnreadableScene,
        SceneTooLarge,
        SceneMismatch,
        BadOption,
        WeightsMissing,
        OutOfMemory,
        ModelFailed,
        Cancelled,
    )
}
"""Error classes by name: how an error crosses a process boundary as text."""
