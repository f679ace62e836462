"""LaTeX and HTML in fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter2_plugins.readers.markup import bibtex_text, plain_text


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("plain text, 10% of it", "plain text, 10% of it"),
        (r"10\% and 10% {more}", "10% and 10% more"),
        (r"Gr{\"o}ss, {\'{A}}ngel, \c{c}a, na{\"\i}ve", "Größ, Ángel, ça, naïve".replace("ß", "ss")),
        (r"{DNA} \textbf{bold} \emph{slanted}", "DNA bold slanted"),
        (r"$k$-best of M$^2$Div", "k-best of M^2Div"),
        ("from $5 to $10", "from $5 to $10"),
        (r"\$5", "$5"),
        ("R&amp;D {x}", "R&D {x}"),
        (r"R\&D", "R&D"),
        ("H<sub>2</sub>O and <i>E. coli</i>", "H2O and E. coli"),
        ("a < b and c > d, p<0.05", "a < b and c > d, p<0.05"),
        (r"\alpha-helix", "\N{GREEK SMALL LETTER ALPHA}-helix"),
    ],
)
def test_plain_text(field: str, expected: str) -> None:
    assert plain_text(field) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("{BERT} for {IR}", "BERT for IR"),
        (r"Pok\'{e}mon {G\"o}", "Pokémon Gö"),
        (r"O(\ss{} log k)", "O(\N{LATIN SMALL LETTER SHARP S} log k)"),
        (r"\emph{two \textbf{bold} words}, {\it slanted}", "two bold words, slanted"),
        (r"$\frac{a}{b}$ and $\alpha_{i}$", "a/b and \N{GREEK SMALL LETTER ALPHA}_i"),
        (r"10,000\texttimes{}10,000", "10,000\N{MULTIPLICATION SIGN}10,000"),
        ("unbalanced {brace", "unbalanced brace"),
        (r"too few \href{arguments}", r"too few \href{arguments}"),
        (r"none for \title", r"none for \title"),
        (r"none for \footnote", r"none for \footnote"),
        (r"\emph{" * 5000 + "}" * 5000, r"\emph{" * 5000 + "}" * 5000),
    ],
)
def test_bibtex_text(field: str, expected: str) -> None:
    assert bibtex_text(field) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("<jats:title>Abstract</jats:title><jats:p>We do.</jats:p><jats:p>More.</jats:p>", "We do.  More."),
        ("&lt;p&gt;Escaped <i>twice</i>&lt;/p&gt;", "Escaped twice"),
        ('<a href="https://x.org" target=_blank>link</a>ed', "linked"),
        ("CO<sub>2</sub>, x<mml:mi>y</mml:mi><br/>z", "CO2, xy z"),
        ("a <b and c> d", "a <b and c> d"),
    ],
)
def test_tags(field: str, expected: str) -> None:
    assert plain_text(field).strip() == expected


@given(st.text(alphabet="abc 12.%,;()", max_size=60))
def test_text_without_markup_is_kept(field: str) -> None:
    assert plain_text(field) == field
