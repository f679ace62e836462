"""LaTeX and HTML or JATS markup in bibliographic fields -> plain text."""

from __future__ import annotations

import html
import re

from specter2_plugins.readers.latex import has_latex, without_latex
from specter2_plugins.readers.limits import MAX_TEXT, check_length

# A tag has a name and attributes with values, or it is a comparison.
_TAG = re.compile(r"</?([A-Za-z][\w.:-]*)(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'|[^\s<>\"']+))*\s*/?>")
# Zotero's, Mendeley's, and entities whose ampersand was escaped.
_ANGLE = re.compile(r"(?:\{\\text(less|greater)\}|\\text(less|greater)(?:\{\}|\s*(?![A-Za-z])))")
_MATH_TAG = re.compile(r"\$<\$(/?[A-Za-z][\w:.-]*/?)\$>\$")
_ESCAPED_ENTITY = re.compile(r"\{?\\&\}?(?=#?\w{1,10};)")
# In an address it is none.
_TIE = re.compile(r"(?<![\\/])~")
_TIE_IN_TEXT = re.compile(r"(?<=[\w.,)])~(?=[\w\\($])")
_HEADING = re.compile(r"<(?:jats:)?title>\s*Abstract\s*</(?:jats:)?title>", re.IGNORECASE)
# Tags that stand within words; any other separates them.
_INLINE = re.compile(
    r"a|abbr|b|big|bold|em|ext-link|font|i|inf|inline-formula|italic|m\w+|monospace|roman|s|sans-serif|sc|semantics|"
    r"small|span|strike|strong|styled-content|sub|sup|tt|u|underline|xref"
)


def plain_text(field: str) -> str:
    """Decode HTML entities, drop tags, and decode LaTeX where there are macros or formulas.

    Text without markup comes back as it was: braces, a bare %, a lone $ and comparisons stay.

    Raises:
        PaperError: If it is longer than any text of a paper.
    """
    check_length("a field", field, MAX_TEXT)
    if "\\" in field or "$" in field:
        field = _with_tags(field)
    if "&" in field or "<" in field:
        field = _without_tags(field)
    if not has_latex(field):
        return field
    return without_latex(_TIE_IN_TEXT.sub(" ", field) if "~" in field else field)


def bibtex_text(field: str) -> str:
    """Do as `plain_text`, for fields that are LaTeX: braces alone are markup, and ~ is a space."""
    check_length("a field", field, MAX_TEXT)
    if "\\" in field or "$" in field:
        field = _with_tags(field)
    if "&" in field or "<" in field:
        field = _without_tags(field)
    if "~" in field:
        field = _TIE.sub(" ", field)
    if "\\" in field or "{" in field or "}" in field or "$" in field:
        field = without_latex(field)
    return field


def _with_tags(field: str) -> str:
    """Bring out the tags and entities that reference managers wrote as LaTeX."""
    field = _ANGLE.sub(lambda found: "<" if "less" in found[0] else ">", field)
    return _ESCAPED_ENTITY.sub("&", _MATH_TAG.sub(r"<\1>", field))


def _without_tags(field: str) -> str:
    # Unescaped first: Crossref's and Semantic Scholar's markup is often escaped once more.
    return _TAG.sub(_between, _HEADING.sub("", html.unescape(field)))


def _between(tag: re.Match[str]) -> str:
    name = tag[1].lower().rpartition(":")[2]
    return "" if _INLINE.fullmatch(name) else " "
