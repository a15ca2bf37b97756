"""The embedded world for demos, tests and laptops: real systems on 127.0.0.1, without Docker, Java or root."""

from ferryman.stack.runtime.component import Component
from ferryman.stack.runtime.errors import StackError
from ferryman.stack.services import Shape
from ferryman.stack.stack import Stack

__all__ = ["Component", "Shape", "Stack", "StackError"]
