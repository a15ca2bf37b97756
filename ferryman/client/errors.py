"""Why a command that asks a worker cannot be carried out. The texts are for the terminal."""

from click import ClickException


class UnusableContextError(ClickException):
    """Where the worker is, or how to log in there, is not known."""

    exit_code = 2


class UnreachableError(ClickException):
    """The worker gives no answer that could be understood."""

    exit_code = 2


class RefusedRequestError(ClickException):
    """The worker has answered that it will not, or cannot."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
