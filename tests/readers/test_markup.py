"""LaTeX and HTML in fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter2_plugins.readers.markup import plain_text


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
        ("R&amp;D {x}", "R&D x"),
        (r"R\&D", "R&D"),
        ("H<sub>2</sub>O and <i>E. coli</i>", "H2O and E. coli"),
        ("a < b and c > d, p<0.05", "a < b and c > d, p<0.05"),
        (r"\alpha-helix", "\N{GREEK SMALL LETTER ALPHA}-helix"),
    ],
)
def test_plain_text(field: str, expected: str) -> None:
    assert plain_text(field) == expected


@given(st.text(alphabet="ab 1%$&{}\\<>~^_#\"'", max_size=40))
def test_any_markup_gives_text(field: str) -> None:
    assert isinstance(plain_text(field), str)


@given(st.text(alphabet="abc 12.%,;()", max_size=60))
def test_text_without_markup_is_kept(field: str) -> None:
    assert plain_text(field) == field
