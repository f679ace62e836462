"""A small language for filters, turned into Qdrant's own.

    year >= 2015 and (venue ~ "SIGIR" or authors = "Jimmy Lin") and not doi missing

Names are the papers' metadata, nested ones with dots; `text` is title and abstract together. A paper without a field
fails every test of it, so `not` and `!=` let it pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from typing import NoReturn

from qdrant_client import models

from specter2_plugins.errors import FilterError
from specter2_plugins.payloads import CONTENT_KEY, METADATA_KEY

_TEXTS = frozenset({"id", "title", "venue", "authors", "fields", "doi", "url", "keywords", "type"})
_NUMBERS = frozenset({"year"})
_WHOLE_TEXT = "text"

# The sides of a range that an operator bounds.
_BOUNDS = {"=": ("gte", "lte"), "<": ("lt",), "<=": ("lte",), ">": ("gt",), ">=": ("gte",)}
_OPERATORS = ("!=", "~", *_BOUNDS)
_RESERVED = frozenset({"and", "or", "not", "in", "exists", "missing"})
_DEEPEST = 50
_LONGEST = 4096
_AROUND = 40
_NOT_SPACE = re.compile(r"\S")

_TOKEN = re.compile(
    r"""(?P<quoted> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
      | (?P<sign> [(),] | [=!<>~]+ )
      | (?P<word> [^\s()<>=!~,"'] [^\s()<>=!~,]* )""",
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"[\w-]+(?:\[\])?(?:\.[\w-]+(?:\[\])?)*")
_NUMBER = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def parse_filter(text: str) -> models.Filter:
    """Read a filter.

    Tests, of which `and`, `or`, `not` and parentheses make larger ones:

    * `year = 2015`, also `!=`, `<`, `<=`, `>`, `>=`: of a field with several values, one must pass. A date such as
      2015-06-30 stands for the whole day, in UTC. Text knows `=` and `!=` only, and is compared letter by letter.
    * `venue ~ "information retrieval"`: the text has these words, in any order and case.
    * `type in (article, inproceedings)`, `type not in (...)`
    * `doi exists`, `doi missing`

    Values are bare or, with anything but letters, digits and marks like `-./:`, in quotes of either kind, where a
    backslash keeps the next character. In a field that the readers do not know, bare numbers, dates, `true` and
    `false` are those, and in quotes they are text.

    Example:
        >>> parse_filter("year >= 2015 and venue ~ SIGIR")

    Raises:
        FilterError: If it cannot be read; the message says where, and what was expected.
    """
    condition = _Parser(text).parse()
    return condition if isinstance(condition, models.Filter) else models.Filter(must=[condition])


def to_filter(filter: str | models.Filter | None) -> models.Filter | None:
    """A filter as text or as Qdrant's own, for Qdrant.

    Raises:
        FilterError: If the text cannot be read, or it is something else, such as the dict of another store.
    """
    if isinstance(filter, str):
        return parse_filter(filter)
    if filter is not None and not isinstance(filter, models.Filter):
        raise FilterError(f"filter is a {type(filter).__name__}, expected text such as 'year >= 2015' or models.Filter")
    return filter


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.lower() in words


class _Parser:
    """Recursive descent: one method for each of or, and, not, and a single test."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split())
        self._index = 0
        self._depth = 0

    def parse(self) -> models.Condition:
        condition = self._any()
        if self._next.kind != "end":
            self._expected("'and', 'or' or the end")
        return condition

    def _any(self) -> models.Condition:
        conditions = self._joined_by("or", self._all)
        return conditions[0] if len(conditions) == 1 else models.Filter(should=conditions)

    def _all(self) -> models.Condition:
        conditions = self._joined_by("and", self._one)
        return conditions[0] if len(conditions) == 1 else models.Filter(must=conditions)

    def _joined_by(self, word: str, part: Callable[[], models.Condition]) -> list[models.Condition]:
        conditions = [part()]
        while self._take(word):
            conditions.append(part())
        return conditions

    def _one(self) -> models.Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail(f"nested more than {_DEEPEST} deep", self._next)
        if self._take("not"):
            condition: models.Condition = models.Filter(must_not=[self._one()])
        elif self._take("("):
            condition = self._any()
            self._close()
        else:
            condition = self._test()
        self._depth -= 1
        return condition

    def _test(self) -> models.Condition:
        if self._next.kind != "word" or self._next.is_word(*_RESERVED) or not _NAME.fullmatch(self._next.text):
            self._expected("the name of a field")
        name = self._pop()
        if name.text == "abstract":
            self._fail(f"abstracts are kept with their titles; expected: {_WHOLE_TEXT} ~ ...", name)
        if name.text == _WHOLE_TEXT and self._next.text != "~":
            self._expected(f"~ after {_WHOLE_TEXT}, which is title and abstract together")
        if self._take("exists"):
            return models.Filter(must_not=[_is_empty(name.text)])
        if self._take("missing"):
            return _is_empty(name.text)
        if self._take("in"):
            return self._one_of(name)
        if self._take("not"):
            if not self._take("in"):
                self._expected(f"'in' after {_quoted(f'{name.text} not')}")
            return models.Filter(must_not=[self._one_of(name)])
        operator = self._next
        if operator.text not in _OPERATORS or operator.kind != "sign":
            self._expected(f"{' '.join(_OPERATORS)} in, exists or missing after {_quoted(name.text)}")
        self._pop()
        return self._compare(name, operator)

    def _compare(self, name: _Token, operator: _Token) -> models.Condition:
        sign = operator.text
        if sign == "~":
            if name.text in _NUMBERS:
                self._fail(f"{name.text} is a number, and ~ finds words in text", operator)
            return self._has_words(name.text, self._literal(name.text))
        value = self._value(name.text)
        if sign == "!=":
            return models.Filter(must_not=[_test("=", name.text, value)])
        if sign != "=" and isinstance(value, str | bool):
            text = name.text if name.text in _TEXTS else _quoted(value)
            self._fail(f"{sign} needs a number or a date, and {text} is text", operator)
        return _test(sign, name.text, value)

    def _has_words(self, name: str, literal: _Token) -> models.Condition:
        # One condition a word: with a text index Qdrant looks for the words in all of a field's values together,
        # without one in each.
        words = [word for word in literal.text.split() if any(map(str.isalnum, word))]
        if not words:
            self._fail(f"no word to find in {_short(name)}", literal)
        return models.Filter(
            must=[models.FieldCondition(key=_key(name), match=models.MatchText(text=word)) for word in words]
        )

    def _one_of(self, name: _Token) -> models.Condition:
        if not self._take("("):
            self._expected("( after 'in'")
        values = [self._value(name.text)]
        while self._take(","):
            values.append(self._value(name.text))
        self._close()
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) == len(values):
            return models.FieldCondition(key=_key(name.text), match=models.MatchAny(any=texts))
        return models.Filter(should=[_test("=", name.text, value) for value in values])

    def _value(self, name: str) -> str | bool | float | date:
        literal = self._literal(name)
        if name in _NUMBERS:
            if not _NUMBER.fullmatch(literal.text):
                self._fail(f"{name} is a number, found {_quoted(literal.text)}", literal)
            return float(literal.text)
        if name in _TEXTS or literal.kind == "quoted":
            return literal.text
        if literal.is_word("true", "false"):
            return literal.text.lower() == "true"
        if _NUMBER.fullmatch(literal.text):
            return float(literal.text)
        if _DATE.fullmatch(literal.text):
            try:
                return date.fromisoformat(literal.text)
            except ValueError:
                self._fail(f"{literal.text} is no date; in quotes it is text", literal)
        return literal.text

    def _literal(self, name: str) -> _Token:
        if self._next.kind not in ("word", "quoted") or self._next.is_word(*_RESERVED):
            self._expected(f"a value for {_quoted(name)}")
        return self._pop()

    def _close(self) -> None:
        if not self._take(")"):
            self._expected(")")

    @property
    def _next(self) -> _Token:
        return self._tokens[self._index]

    def _pop(self) -> _Token:
        token = self._next
        self._index += 1
        return token

    def _take(self, text: str) -> bool:
        """Step over the next token if it is this word or sign."""
        found = self._next.kind != "quoted" and self._next.text.lower() == text
        self._index += found
        return found

    def _split(self) -> list[_Token]:
        if len(self._text) > _LONGEST:
            raise FilterError(f"the filter has {len(self._text):,} characters, more than {_LONGEST:,}")
        lone = next((place for place, sign in enumerate(self._text) if "\ud800" <= sign <= "\udfff"), None)
        if lone is not None:
            self._fail("this is a lone surrogate, which no text has", _Token("sign", self._text[lone], lone))
        tokens = []
        position = 0
        while (start := _NOT_SPACE.search(self._text, position)) is not None:
            position = start.start()
            match = _TOKEN.match(self._text, position)
            if match is None:
                self._fail("this quote has no end", _Token("sign", start[0], position))
            kind, text = str(match.lastgroup), match[0]
            tokens.append(
                _Token(kind, re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL), position)
                if kind == "quoted"
                else _Token(kind, text, position)
            )
            position = match.end()
        return [*tokens, _Token("end", "", len(self._text))]

    def _expected(self, what: str) -> NoReturn:
        text = self._next.text
        found = "the end" if self._next.kind == "end" else _quoted(text)
        self._fail(f"expected {what}, found {found}", self._next)

    def _fail(self, problem: str, token: _Token) -> NoReturn:
        whole = repr(self._text)
        if len(whole) <= 2 * _AROUND:
            raise FilterError(f"filter {whole}, character {token.position + 1}: {problem}")
        # Spelled out before they are cut, since one character may take ten.
        before, after = (repr(part)[1:-1] for part in (self._text[: token.position], self._text[token.position :]))
        begun, ended = "..." * (len(before) > _AROUND), "..." * (len(after) > _AROUND)
        near = f"{begun}{before[-_AROUND:]}>>>{after[:_AROUND]}{ended}"
        raise FilterError(f"filter, at >>> in '{near}', character {token.position + 1}: {problem}")


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _AROUND else f"{text[:_AROUND]}...{text[-1]}"


def _short(name: str) -> str:
    return name if len(name) <= _AROUND else f"{name[:_AROUND]}..."


def _key(name: str) -> str:
    return CONTENT_KEY if name == _WHOLE_TEXT else f"{METADATA_KEY}.{name}"


def _is_empty(name: str) -> models.Condition:
    return models.IsEmptyCondition(is_empty=models.PayloadField(key=_key(name)))


def _test(sign: str, name: str, value: str | bool | float | date) -> models.Condition:
    if isinstance(value, str | bool):
        return models.FieldCondition(key=_key(name), match=models.MatchValue(value=value))
    if isinstance(value, date):
        first, last = (datetime.combine(value, end, timezone.utc) for end in (time.min, time.max))
        sides = {"lt": first, "gte": first, "lte": last, "gt": last}
        days = models.DatetimeRange(**{bound: sides[bound] for bound in _BOUNDS[sign]})
        return models.FieldCondition(key=_key(name), range=days)
    return models.FieldCondition(key=_key(name), range=models.Range(**dict.fromkeys(_BOUNDS[sign], value)))
