"""Names from a model as C: identifiers and string literals that hold nothing but what they say."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PLAIN = re.compile(r"[A-Za-z0-9_ .,:()+\-\[\]']")
_LONGEST = 60  # letters of a name in an identifier; C99 tells 63 apart
_LITERAL = 1000  # bytes of a name in a literal; C99 promises 4,095


def identifier(text: str) -> str:
    """`text` with everything but ASCII letters, digits and `_` as `_`; never empty."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:_LONGEST].rstrip("_")
    return plain if plain and not plain[0].isdigit() else f"n{plain}"


def identifiers(texts: Sequence[str], prefix: str) -> list[str]:
    """One identifier per text, all different: `PREFIX_INDEX_TEXT`, in capitals.

    The index tells them apart, whatever is left of the texts.
    """
    return [f"{prefix}_{index}_{identifier(text)}".upper() for index, text in enumerate(texts)]


def literal(text: str) -> str:
    """A C string literal of the text's UTF-8 bytes, the first 1,000 of them.

    What could end the literal, begin an escape or a trigraph is written as three octal digits.
    """
    data = text.encode(errors="replace")[:_LITERAL]
    letters = (
        chr(byte) if _PLAIN.fullmatch(chr(byte)) and byte < 128 else f"\\{byte:03o}"
        for byte in data
    )
    return '"' + "".join(letters) + '"'
