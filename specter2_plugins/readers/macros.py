"""LaTeX macros that pylatexenc does not know, or makes something else of than a reader of titles wants: tables.

A macro that is in none of its tables nor of these keeps its arguments' text, and its name where it has none.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

from specter2_plugins.extras import require

_SYMBOLS = dict(
    pair.split("=")
    for pair in """
    pounds=£ yen=¥ euro=€ EUR=€ EURtm=€ cents=¢ textguarani=₲ textrupee=₹ rupee=₹ textruble=₽ textlira=₤ texttugrik=₮
    S=§ P=¶ dag=† ddag=‡ copyright=© textbar=| textbardbl=‖ textunderscore=_ textless=< textgreater=> textbraceleft={
    textbraceright=} lbrace={ rbrace=} textquotedbl=" textsurd=√ textminus=− slash=/ dash=- textcircledP=℗ degree=°
    uhorn=ư ohorn=ơ UHORN=Ư OHORN=Ơ Uhorn=Ư Ohorn=Ơ SS=ẞ dj=đ DJ=Đ textthorn=þ textTHORN=Þ textschwa=ə textglotstop=ʔ
    textltailn=ɲ textgamma=γ textalpha=α textbeta=β textdelta=δ textepsilon=ε texttheta=θ textkappa=κ textlambda=λ
    textmu=μ textpi=π textrho=ρ textsigma=σ texttau=τ textphi=φ textchi=χ textpsi=ψ textomega=ω textDelta=Δ
    textOmega=Ω textSigma=Σ textPhi=Φ textGamma=Γ textPsi=Ψ textTheta=Θ textLambda=Λ texteta=η textzeta=ζ textiota=ι
    textnu=ν textxi=ξ textupsilon=υ guillemetleft=« guillemetright=» textperiodcentered=·
    lq=‘ rq=’ lsquo=‘ rsquo=’ flqq=« frqq=» flq=‹ frq=› glqq=„ grqq=“ glq=‚
    grq=‘ TeX=TeX LaTeX=LaTeX LaTeXe=LaTeX2e BibTeX=BibTeX XeTeX=XeTeX LuaTeX=LuaTeX
    celsius=°C degreeCelsius=°C micro=µ percent=% meter=m metre=m second=s gram=g kilogram=kg hertz=Hz kelvin=K volt=V
    watt=W ohm=Ω liter=L litre=L mole=mol joule=J newton=N pascal=Pa tesla=T electronvolt=eV byte=B bit=bit nano=n
    milli=m centi=c kilo=k mega=M giga=G tera=T per=/ squared=² cubed=³ hour=h minute=min day=d
    """.split()  # noqa: RUF001, SIM905 - Greek
)
"""Macros without arguments, and what they are."""

_SPACES = frozenset("newline linebreak space nobreakspace thinspace enspace enskip medspace thickspace par \\".split())  # noqa: SIM905

_SILENT = frozenset(
    """
    rm it bf em tt sf sc sl cal tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge bfseries
    mdseries itshape slshape scshape upshape rmfamily sffamily ttfamily normalfont selectfont protect relax noindent
    centering raggedright ignorespaces unskip allowbreak nolinebreak nobreak xspace limits nolimits displaystyle
    textstyle scriptstyle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr left right middle hfill vfill
    null boldmath unboldmath leavevmode strut smallskip medskip bigskip break kern frenchspacing sloppy bgroup egroup
    begingroup endgroup boldsymbol mathversion cyr latintext greektext mathstrut nonumber notag hyphenation
    nobreakdash cyrchar joinrel newblock penalty
    """.split()  # noqa: SIM905
)
"""Macros without arguments that only say how something is set."""

_WITH_TEXT = {
    "url": ("{", "%s"),
    "path": ("{", "%s"),
    "nolinkurl": ("{", "%s"),
    "href": ("{{", "%(2)s"),
    "foreignlanguage": ("{{", "%(2)s"),
    "textlang": ("{{", "%(2)s"),
    "hyperref": ("[{", "%(2)s"),
    "color": ("{", ""),
    "label": ("{", ""),
    "ref": ("{", ""),
    "eqref": ("{", ""),
    "pageref": ("{", ""),
    "textfrac": ("{{", "%s/%s"),
    "SI": ("{{", "%s %s"),
    "qty": ("{{", "%s %s"),
    "raisebox": ("{{", "%(2)s"),
    "scalebox": ("{{", "%(2)s"),
    "rotatebox": ("{{", "%(2)s"),
    "parbox": ("{{", "%(2)s"),
    "resizebox": ("{{{", "%(3)s"),
    "texorpdfstring": ("{{", "%(2)s"),
    "noopsort": ("{", ""),
    "SortNoop": ("{", ""),
    "singleletter": ("{", ""),
    "footnotemark": ("[", ""),
    "fontsize": ("{{", ""),
    "fontfamily": ("{", ""),
    "fontseries": ("{", ""),
    "fontshape": ("{", ""),
    "fontencoding": ("{", ""),
    "selectlanguage": ("{", ""),
}
"""Macros whose arguments are not all text: their arguments, and what becomes of these."""

_FUNCTIONS = tuple(
    """
    log ln lg exp sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth lim liminf limsup max min sup inf det
    dim ker deg gcd hom arg Pr mod
    """.split()  # noqa: SIM905
)
"""Macros that are words, of which the next word keeps apart."""

_ACCENTS = {
    "h": "\u0309",
    "G": "\u030f",
    "U": "\u030e",
    "f": "\u0311",
    "textcommabelow": "\u0326",
    "textogonekcentered": "\u0328",
    "ogonek": "\u0328",
    "textcommaabove": "\u0313",
    "textgravedbl": "\u030f",
    "textacutedbl": "\u030b",
    "textdoubleacute": "\u030b",
    "mathring": "\u030a",
    "textcaron": "\u030c",
    "textdotbelow": "\u0323",
    "textbreve": "\u0306",
}
"""Accents by their combining character."""


@lru_cache(maxsize=1)
def contexts() -> tuple[Any, Any]:
    """Return pylatexenc's tables with ours before them: for its converter, and for its parser."""
    latex2text = require("pylatexenc.latex2text", "pylatexenc", "readers")
    latexwalker = require("pylatexenc.latexwalker", "pylatexenc", "readers")
    macrospec = require("pylatexenc.macrospec", "pylatexenc", "readers")
    spec = latex2text.MacroTextSpec
    texts, parsed = latex2text.get_default_latex_context_db(), latexwalker.get_default_latex_context_db()
    ours = [
        *(spec(name, text) for name, text in _SYMBOLS.items()),
        *(spec(name, " ") for name in _SPACES),
        *(spec(name, "") for name in _SILENT),
        *(spec(name, text) for name, (_, text) in _WITH_TEXT.items()),
        *(spec(name, simplify_repl=_accent(mark)) for name, mark in _ACCENTS.items()),
        # The library makes a modifier letter of it.
        spec("textasciicircum", "^"),
        spec("cite", ""),
        *(spec(name, simplify_repl=_with_space) for name in _FUNCTIONS),
        *(spec(name, simplify_repl=_dots) for name in ("ldots", "dots", "textellipsis")),
    ]
    texts.add_context_category("ours", ours, prepend=True)
    texts.set_unknown_environment_spec(latex2text.EnvironmentTextSpec("", discard=False))
    arguments = {
        **dict.fromkeys((*_SYMBOLS, *_SPACES, *_SILENT), ""),
        **{name: needed for name, (needed, _) in _WITH_TEXT.items()},
        **dict.fromkeys(_ACCENTS, "{"),
    }
    parsed.add_context_category(
        "ours", [macrospec.std_macro(name, needed) for name, needed in arguments.items()], prepend=True
    )
    return texts, parsed


@lru_cache(maxsize=4096)
def is_known(name: str) -> bool:
    """Return whether a macro is in one of the tables."""
    return contexts()[0].get_macro_spec(name) is not None


def _accent(mark: str) -> Any:
    def put_on(node: Any, l2tobj: Any) -> str:
        text = l2tobj.nodelist_to_text([node.nodeargd.argnlist[0]]).strip()
        letter = text[:1].replace("ı", "i")  # noqa: RUF001 - a dotless i takes its accent instead of the dot
        return unicodedata.normalize("NFC", letter + mark) + text[1:] if letter else ""

    return put_on


def _with_space(node: Any) -> str:
    return f"{node.macroname}{node.macro_post_space}"


def _dots(node: Any) -> str:
    return f"…{node.macro_post_space}"
