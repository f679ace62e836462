"""LaTeX and HTML or JATS markup in bibliographic fields -> plain text."""

from __future__ import annotations

import html
import re

from specter2_plugins.readers.latex import has_latex, without_latex

# A tag has a name and attributes with values, or it is a comparison.
_TAG = re.compile(r"</?([A-Za-z][\w.:-]*)(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'|[^\s<>\"']+))*\s*/?>")
_HEADING = re.compile(r"<(?:jats:)?title>\s*Abstract\s*</(?:jats:)?title>", re.IGNORECASE)
# Tags that stand within words; any other separates them.
_INLINE = re.compile(
    r"a|abbr|b|big|bold|em|ext-link|font|i|inf|inline-formula|italic|m\w+|monospace|roman|s|sans-serif|sc|semantics|"
    r"small|span|strike|strong|styled-content|sub|sup|tt|u|underline|xref"
)


def plain_text(field: str) -> str:
    """Decode HTML entities, drop tags, and decode LaTeX where there are macros or formulas.

    Text without markup comes back as it was: braces, a bare %, a lone $ and comparisons stay.
    """
    if "&" in field or "<" in field:
        field = _without_tags(field)
    return without_latex(field) if has_latex(field) else field


def bibtex_text(field: str) -> str:
    """As `plain_text`, for fields that are LaTeX: braces alone are markup, too."""
    if "&" in field or "<" in field:
        field = _without_tags(field)
    if "\\" in field or "{" in field or "}" in field or "$" in field:
        field = without_latex(field)
    return field


def _without_tags(field: str) -> str:
    # Unescaped first: Crossref's and Semantic Scholar's markup is often escaped once more.
    return _TAG.sub(_between, _HEADING.sub("", html.unescape(field)))


def _between(tag: re.Match[str]) -> str:
    name = tag[1].lower().rpartition(":")[2]
    return "" if _INLINE.fullmatch(name) else " "
