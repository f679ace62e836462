"""Papers through LangChain's document shape and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from specter2_plugins import Paper
from specter2_plugins.papers.payloads import from_page_content, from_payload, to_payload

words = st.text(alphabet="abc é.-", min_size=1).map(lambda text: " ".join(text.split())).filter(bool)
metadata = st.dictionaries(st.sampled_from(["year", "venue", "authors"]), st.integers() | words, max_size=3)


@given(st.none() | words, words, st.none() | words, metadata)
def test_round_trip(title: str | None, abstract: str, identifier: str | None, metadata: dict) -> None:
    paper = Paper(title, abstract, id=identifier, metadata=metadata)
    assert from_payload(to_payload(paper)) == paper


def test_page_content_embeds_as_the_paper() -> None:
    for paper in (Paper("T"), Paper(None, "A"), Paper("T", "A\n\nB")):
        rebuilt = from_page_content(to_payload(paper)["page_content"])
        assert isinstance(rebuilt, Paper)
        assert rebuilt.text("[SEP]") == paper.text("[SEP]")
    assert from_page_content("no blank line") == "no blank line"
