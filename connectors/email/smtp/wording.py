"""A mail server's words, as logs, dead letters and events can hold them."""

LONGEST_ANSWER_CHARACTERS = 500


def answer(code: int, text: str) -> str:
    """A server's answer on one line, and not more of it than is useful."""
    return f"{code} {on_one_line(text)}"[:LONGEST_ANSWER_CHARACTERS]


def on_one_line(text: str) -> str:
    """A text without line breaks, control characters and what is no character at all."""
    try:
        text.encode()
    except UnicodeEncodeError:
        # Bytes that are no UTF-8 have come as halves of surrogate pairs, which nothing can write.
        text = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))
