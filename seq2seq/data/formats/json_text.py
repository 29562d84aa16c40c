"""JSON that may be larger than memory: its arrays are read element by element."""

import json
import re
from collections.abc import Iterator
from typing import Any

# What may go on in the next chunk after a number, as in `1` or `1.`.
_OPEN_END = re.compile(r"[.eE+-]*\Z")
_BLANKS = re.compile(r"[ \t\n\r]*")


class JsonText:
    """A JSON text, from its beginning. All methods raise ValueError if it is damaged."""

    def __init__(self, chunks: Iterator[str], longest: int) -> None:
        """chunks: of the text. longest: most characters of a value that is decoded at once."""
        self._chunks, self._longest = chunks, longest
        self._text, self._offset = "", 0
        self._decoder = json.JSONDecoder()

    def next(self) -> str:
        """The next non-blank character; empty at the end."""
        while True:
            self._offset = _BLANKS.match(self._text, self._offset).end()  # type: ignore[union-attr]  # matches anything
            if self._offset < len(self._text):
                return self._text[self._offset]
            chunk = next(self._chunks, None)
            if chunk is None:
                return ""
            self._text, self._offset = chunk, 0

    def elements(self) -> Iterator[None]:
        """The elements of the array that begins here, each of which is to be consumed, by `value` or `skip`."""
        self._expect("[")
        is_first = True
        while self.next() != "]":
            if not is_first:
                self._expect(",")
            yield
            is_first = False
        self._expect("]")

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here; the value of each is to be consumed."""
        self._expect("{")
        is_first = True
        while self.next() != "}":
            if not is_first:
                self._expect(",")
            key = self.value()
            if not isinstance(key, str):
                raise ValueError("a key that is not a string")
            self._expect(":")
            yield key
            is_first = False
        self._expect("}")

    def value(self) -> Any:
        """The value that begins here."""
        self.next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._offset)
            except RecursionError:
                raise ValueError("nested too deeply") from None
            except json.JSONDecodeError as error:
                if len(self._text) - self._offset > self._longest or not self._read_more():
                    raise ValueError(error.msg) from None
            else:
                if not (isinstance(value, int | float) and _OPEN_END.match(self._text, end) and self._read_more()):
                    self._offset = end
                    return value

    def skip(self) -> None:
        """Consume the value that begins here; an array may be larger than memory."""
        if self.next() != "[":
            self.value()
            return
        for _ in self.elements():
            self.skip()

    def expect_end(self) -> None:
        """Raises ValueError if anything follows."""
        if self.next():
            raise ValueError("text after the end")

    def _expect(self, character: str) -> None:
        if (actual := self.next()) != character:
            raise ValueError(f"{character!r} expected" + ("" if actual else ", but the file ends"))
        self._offset += 1

    def _read_more(self) -> bool:
        """Double the remaining text, so that all attempts together take at most twice as long as the last one."""
        parts, target_size = [self._text[self._offset :]], 2 * (len(self._text) - self._offset)
        size = len(parts[0])
        while size < target_size and (chunk := next(self._chunks, None)) is not None:
            parts.append(chunk)
            size += len(chunk)
        self._text, self._offset = "".join(parts), 0
        return len(parts) > 1
