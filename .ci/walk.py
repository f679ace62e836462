"""Import everything and run every command, in an environment that has one extra: see extras.py.

Usage: walk.py EXTRA MODEL, in an empty folder.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pkgutil
import sys
import traceback
import warnings
from importlib import import_module
from pathlib import Path

EXTRA, MODEL = sys.argv[1:]
INSTALL = "pip install 'specter2-plugins["

COMMANDS = {
    "models": "models",
    "demo": "demo --store demo",
    "embed": f"embed papers.jsonl --out vectors.npz --model {MODEL}",
    "embed into a folder": f"embed papers.jsonl --out vectors --model {MODEL}",
    "embed Parquet": f"embed papers.parquet --out parquet.npz --model {MODEL}",
    "ingest": f"ingest papers.jsonl --store store --model {MODEL} --sparse bm25",
    "ingest BibTeX": f"ingest papers.bib --store references --model {MODEL}",
    "embed --ray": f"embed papers.jsonl --out by-ray --model {MODEL} --ray local",
    "search": f"search graphs --store store --model {MODEL} --hybrid",
    "similar": f"similar a --store store --model {MODEL}",
    "mine": "mine papers.jsonl --citations citations.csv --out triplets.jsonl",
    "train": f"train tasks.jsonl --out trained --model {MODEL} --max-steps 1 --batch-size 4 --max-tokens 24"
    " --precision float32 --cpu",
    "train-sparse": "train-sparse pairs.jsonl --out sparse --base masked --batch-size 2 --rank 4 --max-tokens 16",
    "evaluate": f"evaluate beir --model {MODEL} --device cpu --plot scores.png",
    "bench": f"bench --model {MODEL} --papers 2 --repeats 1",
}
AFTER = {"search": "ingest", "similar": "ingest"}
"""Commands that ask what another one made."""

WORK = {
    "cli": {"models", "embed", "ingest", "ingest BibTeX", "search", "similar", "mine", "bench"},
    "ray": {"models", "embed", "embed into a folder", "embed Parquet", "embed --ray", "ingest", "search", "similar"},
    "all": set(COMMANDS),
}
"""Commands that an extra promises."""

PROMISED = {
    "readers": ["readers"],
    "parquet": ["pipeline.embed", "vectors"],
    "qdrant": ["edge", "pipeline.ingestion", "qdrant", "sparse", "store"],
    "langchain": ["langchain", "readers", "qdrant"],
    "train": ["training"],
    "evaluate": ["evaluation", "mining"],
    "cli": ["cli", "readers", "qdrant"],
    "all": [
        "cli",
        "evaluation",
        "langchain",
        "mining",
        "pipeline",
        "qdrant",
        "readers",
        "sparse",
        "training",
        "vectors",
    ],
}
"""Folders that an extra promises to import."""

HOSTS = "specter2_plugins.hosts."
"""Modules that only work beside the program whose name they bear, which is not an extra of ours."""


def main() -> int:
    """Return the exit code: the number of faults, at most 100."""
    os.environ.update(HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1", RAY_ENABLE_UV_RUN_RUNTIME_ENV="0")
    warnings.simplefilter("ignore")
    import specter2_plugins

    faults, refused = [], 0
    walked = pkgutil.walk_packages(specter2_plugins.__path__, "specter2_plugins.")
    modules = ["specter2_plugins", *(module.name for module in walked if not module.name.endswith("__main__"))]
    promised = {f"specter2_plugins.{folder}" for folder in PROMISED.get(EXTRA, ())}
    for name in modules:
        try:
            module = import_module(name)
            for public in getattr(module, "__all__", ()):
                getattr(module, public)
        except specter2_plugins.MissingExtraError as error:
            refused += 1
            if name in promised or INSTALL not in str(error):
                faults.append(f"import {name}: {error}")
        except ModuleNotFoundError as error:
            if name.startswith(HOSTS) and not (error.name or "").startswith("specter2_plugins"):
                refused += 1
            else:
                faults.append(f"import {name}: {error}")
        except Exception:
            faults.append(f"import {name}: {traceback.format_exc().strip().splitlines()[-1]}")

    _write_inputs()
    ran: set[str] = set()
    for name, line in COMMANDS.items():
        if name in AFTER and AFTER[name] not in ran:
            continue
        code, out, err = _run(line.split())
        if code == 0:
            ran.add(name)
        elif (
            code == "traceback"
            or name in WORK.get(EXTRA, ())
            or code != 1
            or INSTALL not in err.strip().splitlines()[-1]
        ):
            faults.append(f"specter2 {line}: {code}: {(err or out).strip()[-600:]}")
    imported = len(modules) - refused
    print(
        f"{imported} of {len(modules)} modules, {len(ran)} of {len(COMMANDS)} commands; the rest says what to install"
    )
    for fault in faults:
        print(f"FAULT {fault}")
    return min(100, len(faults))


def _run(arguments: list[str]) -> tuple[int | str, str, str]:
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["specter2", *arguments]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            import_module("specter2_plugins.cli").main()
            code: int | str = 0
        except SystemExit as exit_:
            if isinstance(exit_.code, str):
                print(exit_.code, file=err)
            code = 1 if isinstance(exit_.code, str) else exit_.code or 0
        except BaseException:
            traceback.print_exc(file=err)
            code = "traceback"
    return code, out.getvalue(), err.getvalue()


def _write_inputs() -> None:
    words = ["neural networks", "soil water", "graph theory", "citation analysis", "protein folding", "query logs"]
    papers = [
        {"id": chr(97 + n), "title": f"On {text}", "abstract": f"We study {text}."} for n, text in enumerate(words)
    ]
    _lines("papers.jsonl", papers)
    _write_masked_language_model(Path("masked"))
    Path("papers.bib").write_text("@article{k, title={On graphs}, abstract={We draw them.}, year=2020}\n")
    Path("citations.csv").write_text("citing,cited\na,b\nb,c\n")
    _lines("pairs.jsonl", [{"query": text, "document": f"We study {text}."} for text in words])
    task = {"name": "t", "type": "triplet", "data_files": {"train": "rows.jsonl"}, "ctrl_token": "[PRX]"}
    _lines("tasks.jsonl", [task])
    row = {"query": papers[0], "pos": papers[1], "neg": papers[2]}
    _lines("rows.jsonl", [row] * 8)
    beir = Path("beir")
    (beir / "qrels").mkdir(parents=True)
    _lines("beir/corpus.jsonl", [{"_id": p["id"], "title": p["title"], "text": p["abstract"]} for p in papers])
    _lines("beir/queries.jsonl", [{"_id": "q", "text": "graphs"}])
    (beir / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\tc\t1\n")
    with contextlib.suppress(ImportError):
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(papers), "papers.parquet")
    if not Path("papers.parquet").exists():
        Path("papers.parquet").write_bytes(b"PAR1")


def _write_masked_language_model(folder: Path) -> None:
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

    tokenizer = AutoTokenizer.from_pretrained(f"{MODEL}/base")
    tokenizer.save_pretrained(folder)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder)


def _lines(path: str, rows: list[dict[str, object]]) -> None:
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
