"""Train the adapters of `mini`: proximity and adhoc_query on a frozen MiniLM.

Run it again with:

    python examples/train_mini.py --papers acm_papers.jsonl.gz --searches search_small.jsonl \
        --triplets specter_small.json --out specter2_plugins/mini

Papers are JSON lines with `title`, `abstract` and `keywords`; searches and triplets are SciRepEval's
`search` and `cite_prediction` samples. Nothing of CACM or CISI is read here.

Pairs (anchor through adhoc_query, positive through proximity): keywords -> paper, a sentence of the
abstract -> the paper without it, title -> abstract, clicked searches -> paper. Pairs with both sides through
proximity: papers that share a rare keyword, and SciRepEval's citations. Loss: in-batch softmax over cosine
similarity (MultipleNegativesRankingLoss). The up-projections start at zero, so training starts from MiniLM itself.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from datasets import Dataset, DatasetDict
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.training_args import BatchSamplers

from specter2_plugins import Paper, load_specter2
from specter2_plugins.adapters import BottleneckConfig, save_adapter

TASKS = ("proximity", "adhoc_query")
RARE = range(2, 9)
PHRASINGS = (
    "{}",
    "{}",
    "{}",
    "papers on {}",
    "I am interested in {}",
    "what is known about {}?",
    "articles dealing with {}",
    "methods for {}",
)


def main() -> None:
    """Read the data, train, and write both adapters in AdapterHub's format."""
    args = _arguments()
    draw = random.Random(args.seed)
    papers = _read_papers(args.papers)
    draw.shuffle(papers)
    datasets = DatasetDict(
        search=_dataset(_search_pairs(papers[: args.pairs], draw) + _clicks(args.searches), draw),
        similar=_dataset(_similar_pairs(papers, draw)[: args.pairs // 3] + _citations(args.triplets), draw),
    )
    print({name: len(dataset) for name, dataset in datasets.items()})

    model = load_specter2("mini", adapters={}, device="cpu")
    model.max_seq_length = args.max_tokens
    for task in TASKS:
        model[0].add_adapter(task, BottleneckConfig(False, True, 16, "relu", True, init_weights="mam_adapter"))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(".adapters." in name)

    trainer = SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(
            output_dir=str(args.checkpoints),
            num_train_epochs=args.epochs,
            per_device_train_batch_size=args.batch,
            learning_rate=args.lr,
            warmup_steps=args.warmup,
            lr_scheduler_type="cosine",
            bf16=True,
            use_cpu=True,
            seed=args.seed,
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            router_mapping={
                "search": {"anchor": "query", "positive": "document"},
                "similar": {"anchor": "document", "positive": "document"},
            },
            logging_steps=20,
            save_strategy="steps" if args.save_every else "no",
            save_steps=args.save_every or 500,
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=datasets,
        loss=MultipleNegativesRankingLoss(model),
    )
    trainer.train()
    for task in TASKS:
        transformer = model[0]
        save_adapter(
            transformer.adapters.by_task[task], args.out / task, transformer.model.config, safe_serialization=True
        )


def _search_pairs(papers: list[dict], draw: random.Random) -> list[tuple[str, dict]]:
    pairs = []
    for paper in papers:
        sentences = paper["abstract"].split(". ")
        kind = draw.random()
        if kind < 0.45 and paper["keywords"]:
            keywords = draw.sample(paper["keywords"], min(len(paper["keywords"]), draw.randint(1, 4)))
            query = draw.choice(PHRASINGS).format(draw.choice((", ", " ", " and ")).join(keywords))
            pairs.append((query, _view(paper, draw)))
        elif kind < 0.75 and len(sentences) > 3:
            sentence = sentences.pop(draw.randrange(len(sentences)))
            pairs.append((sentence, {"title": paper["title"], "abstract": ". ".join(sentences)}))
        else:
            pairs.append((paper["title"], {"title": None, "abstract": paper["abstract"]}))
    return [(query, paper) for query, paper in pairs if query.strip()]


def _view(paper: dict, draw: random.Random) -> dict:
    """The whole paper, or its title alone: half the records of older collections have no abstract."""
    return {"title": paper["title"], "abstract": None if draw.random() < 0.25 else paper["abstract"]}


def _similar_pairs(papers: list[dict], draw: random.Random) -> list[tuple[dict, dict]]:
    by_keyword = defaultdict(list)
    for paper in papers:
        for keyword in paper["keywords"]:
            by_keyword[keyword.lower()].append(paper)
    groups = [group for group in by_keyword.values() if len(group) in RARE]
    draw.shuffle(groups)
    return [tuple(_view(paper, draw) for paper in draw.sample(group, 2)) for group in groups]


def _clicks(path: Path) -> list[tuple[str, dict]]:
    pairs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        search = json.loads(line)
        clicked = [candidate for candidate in search["candidates"] if candidate["score"] > 0]
        pairs += [(search["query"], _text(candidate)) for candidate in clicked]
    return pairs


def _citations(path: Path) -> list[tuple[dict, dict]]:
    return [
        (_text(triplet["query"]), _text(triplet["pos"])) for triplet in json.loads(path.read_text(encoding="utf-8"))
    ]


def _text(record: dict) -> dict:
    return {"title": record["title"], "abstract": record["abstract"]}


def _dataset(pairs: list[tuple], draw: random.Random) -> Dataset:
    draw.shuffle(pairs)
    anchors, positives = zip(*pairs, strict=True)
    return Dataset.from_dict({"anchor": list(map(_input, anchors)), "positive": list(map(_input, positives))})


def _input(record: str | dict) -> str:
    return record if isinstance(record, str) else Paper.from_mapping(record).text("[SEP]")


def _read_papers(path: Path) -> list[dict]:
    return [paper for paper in _lines(path) if paper["title"] and len(paper["abstract"] or "") > 200]


def _lines(path: Path) -> Iterator[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=Path, required=True)
    parser.add_argument("--searches", type=Path, required=True)
    parser.add_argument("--triplets", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoints", type=Path, default=Path("mini-checkpoints"))
    parser.add_argument("--pairs", type=int, default=30000)
    parser.add_argument("--epochs", type=float, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=5e-4)
    parser.add_argument("--warmup", type=int, default=30)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--save-every", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
