"""The language of filters, read: recursive descent over its words, signs and quoted names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from qdrant_client import models

from specter2_plugins.errors import FilterError
from specter2_plugins.qdrant.conditions import (
    BOUNDS,
    TEXTS,
    WHOLE_TEXT,
    Field,
    Value,
    compare,
    has_words,
    is_empty,
    one_of,
)
from specter2_plugins.qdrant.literals import Kind, kind_of, quoted, readings

_OPERATORS = ("!=", "~", *BOUNDS)
_SPELLED = {"==": "="}
_RESERVED = frozenset({"and", "or", "not", "in", "exists", "missing"})
_WORDLESS: Mapping[Kind | None, str] = {"number": "a number", "date": "a date", "truth": "true or false"}
_DEEPEST = 50
_LONGEST = 4096
_AROUND = 40
_NOT_SPACE = re.compile(r"\S")

_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_STEP = rf"(?:{_QUOTED}|[\w:-]+)(?:\[\])?"
_TOKEN = re.compile(
    rf"""(?P<quoted> {_QUOTED} (?![.\[]) )
      | (?P<path> (?:{_STEP}\.)* {_QUOTED} (?:\[\])? (?:\.{_STEP})* )
      | (?P<sign> [(),] | [=!<>~]+ )
      | (?P<word> [^\s()<>=!~,"'] [^\s()<>=!~,]* )""",
    re.VERBOSE | re.DOTALL,
)
_STEPS = re.compile(_STEP, re.DOTALL)
_NAME = re.compile(r"[\w:-]+(?:\[\])?(?:\.[\w:-]+(?:\[\])?)*")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.lower() in words


class Parser:
    """One method for each of or, and, not, and a single test.

    Args:
        text: The filter.
        indexes: The kinds of the payload indexes that a collection has, by their keys: what is compared with a field
            that is indexed as numbers, dates or truths is one, or refused.

    Raises:
        FilterError: If the text cannot be split into words.
    """

    def __init__(self, text: str, indexes: Mapping[str, str] = {}) -> None:
        self._text = text
        self.indexes = indexes
        self.fields: dict[Field, bool] = {}
        """The fields that the filter names -> whether their values are asked about, not only whether there are any."""
        self.ordered: set[Field] = set()
        """Those of them whose values are put in an order, which text has none."""
        self._tokens = list(self._split())
        self._index = 0
        self._depth = 0

    def parse(self) -> models.Condition:
        """Read the whole filter.

        Raises:
            FilterError: If it cannot be read; the message says where, and what was expected.
        """
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
        start = self._next
        field = self._field()
        if field.name == "abstract":
            self._fail(f"abstracts are kept with their titles; expected: {WHOLE_TEXT} ~ ...", start)
        if field.name == WHOLE_TEXT and self._next.text != "~":
            self._expected(f"~ after {WHOLE_TEXT}, which is title and abstract together")
        self.fields.setdefault(field, False)
        if self._take("exists"):
            return models.Filter(must_not=[is_empty(field)])
        if self._take("missing"):
            return is_empty(field)
        self.fields[field] = True
        if self._take("in"):
            return self._one_of(field)
        if self._take("not"):
            if not self._take("in"):
                self._expected(f"'in' after {quoted(f'{field.name} not')}")
            return models.Filter(must_not=[self._one_of(field)])
        operator = self._next
        sign = _SPELLED.get(operator.text, operator.text)
        if sign not in _OPERATORS or operator.kind != "sign":
            self._expected(f"{' '.join(_OPERATORS)} in, exists or missing after {quoted(field.name)}")
        self._pop()
        return self._compare(field, sign, operator)

    def _field(self) -> Field:
        token = self._next
        bare = token.kind == "word" and not token.is_word(*_RESERVED) and _NAME.fullmatch(token.text) is not None
        if not (bare or token.kind in ("path", "quoted")):
            self._expected("the name of a field")
        self._pop()
        steps = [token.text] if token.kind == "quoted" else [_unquoted(step) for step in _STEPS.findall(token.text)]
        for step in steps:
            if '"' in step or not step.strip():
                self._fail(f"Qdrant has no path to a field with the name {step!r}", token)
        return Field(tuple(steps))

    def _compare(self, field: Field, sign: str, operator: _Token) -> models.Condition:
        kind = kind_of(field, self.indexes)
        if sign == "~":
            if kind in _WORDLESS:
                self._fail(f"{field.name} is {_WORDLESS[kind]}, and ~ finds words in text", operator)
            return self._has_words(field)
        if sign in ("=", "!="):
            equal = one_of(field, self._readings(field))
            return equal if sign == "=" else models.Filter(must_not=[equal])
        self.ordered.add(field)
        value = self._readings(field, ordered=True)[0]
        if isinstance(value, str | bool):
            text = field.name if field.name in TEXTS else quoted(value)
            self._fail(f"{sign} needs a number or a date, and {text} is text", operator)
        return compare(sign, field, value)

    def _has_words(self, field: Field) -> models.Condition:
        literal = self._literal(field)
        words = [word for word in literal.text.split() if any(map(str.isalnum, word))]
        if not words:
            self._fail(f"no word to find in {_short(field.name)}", literal)
        return has_words(field, words)

    def _one_of(self, field: Field) -> models.Condition:
        if not self._take("("):
            self._expected("( after 'in'")
        values = self._readings(field)
        while self._take(","):
            values += self._readings(field)
        self._close()
        return one_of(field, values)

    def _readings(self, field: Field, ordered: bool = False) -> list[Value]:
        literal = self._literal(field)
        try:
            return readings(field, kind_of(field, self.indexes), literal.text, bare=ordered or literal.kind == "word")
        except ValueError as error:
            self._fail(str(error), literal)

    def _literal(self, field: Field) -> _Token:
        if self._next.kind not in ("word", "quoted") or self._next.is_word(*_RESERVED):
            self._expected(f"a value for {quoted(field.name)}")
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
            tokens.append(_Token(kind, _unquoted(text) if kind == "quoted" else text, position))
            position = match.end()
        return [*tokens, _Token("end", "", len(self._text))]

    def _expected(self, what: str) -> NoReturn:
        text = self._next.text
        found = "the end" if self._next.kind == "end" else quoted(text)
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


def _short(name: str) -> str:
    return name if len(name) <= _AROUND else f"{name[:_AROUND]}..."


def _unquoted(step: str) -> str:
    """Return a name or a value without its quotes and backslashes; `[]` stays at the end of a list's name."""
    name = step.removesuffix("[]")
    if name[:1] not in "\"'" or len(name) < 2:
        return step
    return re.sub(r"\\(.)", r"\1", name[1:-1], flags=re.DOTALL) + step[len(name) :]
