"""Ask a question of a bibliography: BibTeX -> Qdrant -> retriever -> prompt -> an answer that cites BibTeX keys.

pip install "specter2-plugins[all]" langchain-ollama
python examples/rag.py library.bib "How are neural ranking models trained?"
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from specter2_plugins.errors import Specter2Error
from specter2_plugins.langchain import PaperVectorStore, Specter2Embeddings
from specter2_plugins.qdrant import PaperCollection
from specter2_plugins.readers import Rejected

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


def chat_model() -> BaseChatModel:
    """What writes the answer."""
    from langchain_ollama import ChatOllama

    return ChatOllama(model="llama3.2")  # the line to swap: any chat model of LangChain will do


def main(new_model: Callable[[], BaseChatModel] = chat_model, arguments: list[str] | None = None) -> None:
    """Print an answer with its references, or what is wrong."""
    options = parse(arguments)
    chain = PROMPT | new_model() | StrOutputParser()
    try:
        found = find_papers(options)
    except Specter2Error as error:
        sys.exit(f"error: {error}")
    if not found:
        sys.exit(f"error: there are no papers in {options.bibliography}")
    answer = chain.invoke({"papers": "\n\n".join(map(as_context, found)), "question": options.question})
    print(answer)
    print_references(answer, found)


def find_papers(options: argparse.Namespace) -> list[Document]:
    """Fill a collection from the file, and find the papers for the question; a second run embeds only what is new."""
    embeddings = Specter2Embeddings(model=options.model)
    folder = options.store or Path(options.bibliography).with_suffix(".qdrant")
    with PaperCollection.open(folder, embeddings.specter2) as papers:
        papers.ingest(options.bibliography, on_reject=report)
        store = PaperVectorStore.from_collection(papers.client, embedding=embeddings)
        return store.as_retriever(search_kwargs={"k": options.papers}).invoke(options.question)


def report(record: Rejected) -> None:
    """Say which record is no paper."""
    print(f"left out {record}", file=sys.stderr)


def as_context(paper: Document) -> str:
    """A paper as the language model sees it."""
    return f"[@{key_of(paper)}] {paper.page_content.strip()}"


def key_of(paper: Document) -> str:
    """The BibTeX key; a paper of a file without keys is called by its point in Qdrant."""
    return str(paper.metadata.get("id") or paper.id)


def print_references(answer: str, found: list[Document]) -> None:
    """List the papers that an answer cites, and any key that it made up."""
    papers = {key_of(paper): paper.metadata for paper in found}
    cited = [key for group in re.findall(r"\[([^\[\]]*)\]", answer) for key in re.findall(r"@([^\s,;@]+)", group)]
    print("\nReferences")
    for key in dict.fromkeys(cited):
        if key in papers:
            authors = ", ".join(papers[key].get("authors") or ["unknown"])
            print(f"  [@{key}] {authors} ({papers[key].get('year', 'n.d.')}). {papers[key]['title'] or 'Untitled'}")
        else:
            print(f"  [@{key}] is not among the papers found: the language model made it up")
    if not cited:
        print("  none: the answer cites no paper")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bibliography", help="a BibTeX file, or any other that specter2 ingest takes")
    parser.add_argument("question")
    parser.add_argument("--store", help="folder of the embedded Qdrant; by default beside the bibliography")
    parser.add_argument("--model", default="allenai/specter2_base", help='"mini" works offline')
    parser.add_argument("--papers", type=int, default=5, help="papers to answer from")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
