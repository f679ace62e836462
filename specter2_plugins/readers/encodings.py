"""Bytes in whatever encoding -> UTF-8, so that every reader has one to deal with.

An encoding is given, or marked by the file's first bytes, or declared in it, or found by its bytes; and it is checked
before it is trusted. A byte that fits nowhere becomes one that is not UTF-8, so that the record with it can be refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from specter2_plugins.errors import PaperError
from specter2_plugins.extras import require

UTF_8 = "utf-8"

_MARK = "specter2-mark"
_MARKED = "\udcff"
codecs.register_error(_MARK, lambda error: (_MARKED, _end_of(error)))

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(
    rb"\A\s*<\?xml[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)"
    rb"|^[%\s]*(?:!\s*TEX\s+)?encoding\s*[:=]\s*([\w.:-]+)"
    rb"|^%+\s*Saved with string encoding ([^\r\n]+)"
    rb"|\bcharset=\"?([\w.:-]+)",
    re.IGNORECASE | re.MULTILINE,
)
_XML_DECLARATION = re.compile(rb"(\A\s*<\?xml[^>]*?\bencoding\s*=\s*[\"'])[\w.:-]+")
_HEAD = 4096
# What programs call an encoding, where Python calls it otherwise. ASCII and Latin-1 are parts of Windows' Latin 1,
# which most files are that say so.
_NAMES = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "x-macroman": "mac_roman",
    "macintosh": "mac_roman",
    "western (mac os roman)": "mac_roman",
    "western (windows latin 1)": "cp1252",
    "western (iso latin 1)": "cp1252",
    "western (iso latin 9)": "iso8859-15",
    "unicode (utf-8)": UTF_8,
    "unicode (utf-16)": "utf-16",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ansi": "cp1252",
    "unicode": UTF_8,
}
_LETTERS = "äöüßéèàçñóíáúêôâîëïåøæœùòìõãýÿðþšžÄÖÜÉÈÀÇÑÓÍÁÚÊÔÂÎËÏÅØÆŒÙÒÌÕÃŠŽ"
_ALONE = "àáâãéêèíòóôõúùìÀÁÂÉÈÓÔ"
"""Letters that are words by themselves."""
_SIGNS = "–—‘’“”„°©®£§µ·×±…•€«»¿¡™¨"  # noqa: RUF001 - signs that look like others
_FEWEST = 2
_LAST_HANGUL = 0xC8
"""Lead byte of a pair in EUC-KR; two fifths of Chinese characters lie behind it."""
_MOST_Y = 0.2
_ENOUGH = 0.8


class Transcoder:
    """Turns chunks of bytes into UTF-8, and knows what they were.

    Args:
        name: Of the source, for messages.
        given: The encoding that the user named, or None.

    Raises:
        PaperError: If there is no such encoding.
    """

    def __init__(self, name: str, given: str | None = None) -> None:
        self.encoding = UTF_8
        self.found_by = ""
        self._head = b""
        self._decode: Callable[[bytes, bool], str] | None = None
        self._decided = given is not None
        if given is not None:
            known = _codec(given)
            if known is None:
                raise PaperError(
                    f"{name}: encoding is {given!r}, which Python does not know; try utf-8, cp1252, gb18030"
                )
            self._take(known, "given")

    def __call__(self, chunk: bytes, final: bool) -> bytes:
        """Return a chunk as UTF-8."""
        if not self._head:
            self._head = chunk[:_HEAD]
            if self.found_by != "given":
                self._look_at_the_beginning()
        if not self._decided and not chunk.isascii():
            self._decided = True
            self._take(*_found(chunk, self._head))
        if self._decode is None:
            return chunk
        text = self._decode(chunk, final)
        # Surrogates that an encoding of 16 bits holds alone are no text either.
        return text.encode("utf-8", "surrogateescape") if text.isascii() else _encoded(text)

    def _look_at_the_beginning(self) -> None:
        for mark, encoding in _BYTE_ORDER_MARKS:
            if self._head.startswith(mark):
                self._decided = True
                self._take(encoding, "byte order mark")
                return
        sample = self._head[: len(self._head) // 2 * 2]
        odd, even = sample[1::2].count(0), sample[::2].count(0)
        if len(sample) >= 8 and max(odd, even) > len(sample) / 5 and min(odd, even) < len(sample) / 20:
            self._decided = True
            self._take("utf-16-le" if odd > even else "utf-16-be", "detected")

    def _take(self, encoding: str, found_by: str) -> None:
        self.encoding, self.found_by = encoding, found_by
        if encoding != UTF_8:
            self._decode = codecs.getincrementaldecoder(encoding)(errors=_MARK).decode


def declared_utf_8(head: bytes) -> bytes:
    """Return the beginning of an XML file with UTF-8 as the encoding that it declares."""
    return _XML_DECLARATION.sub(rb"\g<1>UTF-8", head)


def _end_of(error: UnicodeError) -> int:
    return error.end if isinstance(error, UnicodeDecodeError) else 0


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udbff\udc00-\udc7f\udd00-\udfff]", _MARKED, text).encode("utf-8", "surrogateescape")


def _codec(name: str) -> str | None:
    name = name.strip().casefold()
    try:
        known = codecs.lookup(_NAMES.get(name, name))
        "".encode(known.name)
        # Such as idna, which knows no way but its own for bytes that it cannot read.
        codecs.getincrementaldecoder(known.name)(errors=_MARK).decode(b"\xff\x80a", True)
    except (LookupError, ValueError):
        return None
    return _NAMES.get(known.name, known.name)


def _found(chunk: bytes, head: bytes) -> tuple[str, str]:
    """Return the encoding of a chunk that is not ASCII, and what tells it."""
    text = codecs.getincrementaldecoder(UTF_8)(errors="surrogateescape").decode(chunk)
    wrong = sum("\udc80" <= character <= "\udcff" for character in text)
    right = sum(not character.isascii() for character in text) - wrong
    if right >= wrong:
        return UTF_8, ""
    declared = _DECLARED.search(head)
    if declared and (named := _codec(next(filter(None, declared.groups())).decode())) not in (None, UTF_8):
        return str(named), "declared"
    if wrong + right < _FEWEST:
        return UTF_8, ""
    return _likeliest(chunk)


def _likeliest(chunk: bytes) -> tuple[str, str]:
    scores = {"cp1252": _latin(chunk, "cp1252"), "mac_roman": _latin(chunk, "mac_roman"), "gb18030": _chinese(chunk)}
    best = max(scores, key=lambda encoding: scores[encoding])
    if scores[best] >= _ENOUGH:
        return best, "detected"
    # For few bytes of a European language it cannot tell one code page from another, hence the count of letters above.
    library = require("charset_normalizer", "charset-normalizer", "readers")
    found = library.from_bytes(chunk[: 2**16]).best()
    likely = (_codec(found.encoding) or UTF_8) if found is not None else UTF_8
    return likely, "guessed: where letters look wrong, name another with --encoding"


def _latin(chunk: bytes, encoding: str) -> float:
    """Return the share of bytes beyond ASCII that are letters within words, or signs, as texts have them."""
    text = chunk.decode(encoding, "replace")
    good, every = 0.0, 0
    for found in re.finditer(r"[^\x00-\x7f]", text):
        place, character = found.start(), found[0]
        every += 1
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        if character in _SIGNS:
            # A dash or sign within a word is a letter of another encoding more often than not.
            good += 0.5 if character not in "’'" and before.isalpha() and after.isalpha() else 1  # noqa: RUF001
        elif character in _ALONE and not before.isalpha() and not after.isalpha():
            good += 1
        elif character in _LETTERS:
            is_in_a_word = (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
            good += is_in_a_word and not (character.isupper() and before.islower())
    if text.casefold().count("ý") > every * _MOST_Y:
        return 0.0  # Turkish
    return good / every if every else 0.0


def _chinese(chunk: bytes) -> float:
    """Return the share of bytes beyond ASCII that are frequent characters, or punctuation, of GB 2312."""
    pairs = re.findall(rb"[\xb0-\xd7][\xa1-\xfe]|[\xa1-\xa3][\xa1-\xfe]", chunk)
    if sum(pair[0] > _LAST_HANGUL for pair in pairs) < len(pairs) / 20:
        return 0.0  # EUC-KR
    frequent = len(pairs) * 2
    return frequent / max(1, sum(byte > 0x7F for byte in chunk))
