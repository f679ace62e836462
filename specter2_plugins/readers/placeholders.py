"""What programs write where they have nothing: it is no text, no id and no name.

The forms were collected from exports of pandas, R, Scopus, PubMed, Ovid, EBSCO, Zotero and publishers' pages.
"""

from __future__ import annotations

import re

_LONGEST = 200

_WORDS = frozenset(
    """
    na n/a n.a n.a. n/d nd n.d #n/a #na #n/a! #null! #value! #ref! #name? <na> nan -nan nat none null nil \\n undefined
    missing void empty tba tbd tbc n.n. s.n. unavailable unspecified unknown anon [anon] keine aucun ninguno
    untitled no-title notitle {} [] () 无摘要 暂无摘要 暂无 无 нет なし 없음
    """.split()  # noqa: SIM905
)
_THING = (
    r"(?:abstracts?|summar(?:y|ies)|descriptions?|titles?|text|resum[eo]n?|r[ée]sum[ée]s?|zusammenfassung|keywords?|"
    r"authors?(?: names?| information| list| id)?|content|preview|doi|id)"
)
_GIVEN = (
    r"(?:available|provided|supplied|given|found|present|included|listed|specified|assigned|applicable|recorded|"
    r"received|submitted|required|exists?|entered|disponible|verf[üu]gbar|vorhanden|yet|here|online|currently)"
)
_OF = r"(?: (?:for|in|of|on|at|from|with|by) .{1,60})?"
_PHRASE = re.compile(
    rf"(?:(?:sorry|note)\W+)?(?:{_THING}\W+)?(?:(?:n/?a|none|null|nan|nil)|"
    rf"(?:there (?:is|was) |(?:this|the) \w+ (?:has|contains) |it has )?"
    rf"(?:no|without|kein[e]?|pas de|sin)(?: an?)?(?: english)? {_THING}(?:(?: is| was| has been)?(?: {_GIVEN})*){_OF}"
    rf"|(?:(?:the|an?|this) )?(?:{_THING} )?(?:text )?(?:(?:is|was|has been|could) )?"
    rf"(?:currently )?(?:not|non|no|nicht)(?: been| be| yet| currently)*(?: {_GIVEN})+{_OF}"
    rf"|{_THING} (?:(?:is|was) )?(?:un(?:available|known|specified)|missing|absent|omitted|withheld|pending){_OF}"
    r"|(?:not|none) (?:available|provided|given|applicable|specified|known|found)"
    r")"
)
_SENTENCE = re.compile(
    r"(?:this|the) (?:article|paper|document|publication|record|item|work|entry|chapter)"
    r" (?:does not have|doesn't have|has no|is without|contains no) (?:an? )?abstract(?: available)?"
    r"|an abstract is not available for this content.*|click on the (?:article )?title to read more|abstract(?: text)?"
    r"|\[?object object\]?|abstract from (?:author|publisher)|(?:data|text|content) (?:is )?not available"
    r"|no (?:abs|data|info)"
    r"|(?:no hay|sin|nao ha|não há|pas de|aucun) (?:resumen|resumo|résumé|resume)(?: dispon[ií](?:vel|ble))?"
    r"|(?:resumen|resumo|résumé|abstract) (?:no|não|nao|non) dispon[ií](?:vel|ble)"
    r"|нет (?:данных|аннотации)|аннотация (?:отсутствует|недоступна)"
    r"|(?:n ?/ ?a|null|none|nan|#n/a)(?: (?:n ?/ ?a|null|none|nan))*"
)
_EDGES = " \t\r\n.,;:!*_()[]{}<>\"'`´‘’“”«»|/\\"  # noqa: RUF001 - quotes of all kinds
_DASHES = frozenset("-‐‑‒–—―−_.·…?* ")  # noqa: RUF001 - dashes of all kinds


def is_placeholder(text: str) -> bool:
    """Return whether a text only says that there is none, such as "N/A", "-" or "[No abstract available]"."""
    if len(text) > _LONGEST:
        return False
    plain = " ".join(text.casefold().split())
    if plain in _WORDS or not set(plain) - _DASHES:
        return True
    bare = plain.strip(_EDGES)
    return bare in _WORDS or _PHRASE.fullmatch(bare) is not None or _SENTENCE.fullmatch(bare) is not None
