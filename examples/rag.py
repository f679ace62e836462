"""Ask a question of a bibliography: BibTeX -> Qdrant -> retriever -> prompt -> an answer that cites BibTeX keys.

pip install "specter2-plugins[all]" langchain-ollama
python examples/rag.py library.bib "How are neural ranking models trained?"
"""

from __future__ import annotations

import argparse
import re

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from specter2_plugins.langchain import Specter2Embeddings, open_vector_store
from specter2_plugins.qdrant import ingest_papers, open_client
from specter2_plugins.readers import read_papers

PROMPT = ChatPromptTemplate.from_messages(
    [
        (
            "system",
            "Answer from the papers below and from nothing else. After each statement cite the papers it rests on by "
            "their keys, like this: [@smith2020]. If the papers do not answer the question, say so.",
        ),
        ("human", "{papers}\n\nQuestion: {question}"),
    ]
)
CITATION = re.compile(r"@([^\s\[\],;@]+)")


def main(llm: BaseChatModel, arguments: list[str] | None = None) -> None:
    """Fill a collection from the file, find the papers for the question, and print an answer with its references."""
    options = parse(arguments)
    embeddings = Specter2Embeddings(model=options.model)
    with open_client(store=options.store) as client:
        ingest_papers(read_papers(options.bibliography), client, embeddings.specter2)
    with open_vector_store("papers", embeddings, store=options.store) as papers:
        found = papers.as_retriever(search_kwargs={"k": options.papers}).invoke(options.question)
    answer = (PROMPT | llm | StrOutputParser()).invoke(
        {"papers": "\n\n".join(map(as_context, found)), "question": options.question}
    )
    print(answer)
    print_references(answer, found)


def as_context(paper: Document) -> str:
    """A paper as the language model sees it."""
    return f"[@{paper.metadata['id']}] {paper.page_content}"


def print_references(answer: str, found: list[Document]) -> None:
    """List the papers that an answer cites, and any key that it made up."""
    papers = {paper.metadata["id"]: paper.metadata for paper in found}
    print("\nReferences")
    for key in dict.fromkeys(match.rstrip(".:") for match in CITATION.findall(answer)):
        if key in papers:
            authors = ", ".join(papers[key].get("authors", ["unknown"]))
            print(f"  [@{key}] {authors} ({papers[key].get('year', 'n.d.')}). {papers[key]['title']}")
        else:
            print(f"  [@{key}] is not among the papers found: the language model made it up")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bibliography", help="a BibTeX file, or any other that specter2 ingest takes")
    parser.add_argument("question")
    parser.add_argument("--store", default="papers.qdrant", help="folder of the embedded Qdrant")
    parser.add_argument("--model", default="allenai/specter2_base", help='"mini" works offline')
    parser.add_argument("--papers", type=int, default=5, help="papers to answer from")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    from langchain_ollama import ChatOllama

    main(ChatOllama(model="llama3.2"))  # the line to swap: any chat model of LangChain will do
