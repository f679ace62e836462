# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Each makes the environments it needs; a GPU user chooses another PyTorch with TORCH=torch (or TORCH='torch==2.x').

PYTHON ?= python3
TORCH ?= torch==2.13.0
DATA ?= ../shared/data
SEED ?= 0

MODERN := .venv
ADAPTERHUB := .venv-adapterhub
PIP_INSTALL := bin/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test test-modern test-adapterhub test-slow lint format fixtures mini bench evaluation clean

help:  ## List the commands.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: $(MODERN)/.demo  ## Ingest the sample papers into an embedded Qdrant, offline, and search them.
	$(MODERN)/bin/specter2 demo

test: lint test-modern test-adapterhub test-slow  ## Lint, type checks and the tests in both environments.

test-modern: $(MODERN)/.test  ## The tests with the newest Sentence Transformers and transformers 5.
	$(MODERN)/bin/python -m pytest

test-adapterhub: $(ADAPTERHUB)/.test  ## The tests beside the adapters library, which is their oracle.
	$(ADAPTERHUB)/bin/python -m pytest

test-slow: $(MODERN)/.test  ## The tests that take minutes: killed runs, large files.
	$(MODERN)/bin/python -m pytest -m slow

lint: $(MODERN)/.test  ## Style and types.
	$(MODERN)/bin/ruff check .
	$(MODERN)/bin/ruff format --check .
	$(MODERN)/bin/mypy

format: $(MODERN)/.test  ## Format the code and mend what ruff can.
	$(MODERN)/bin/ruff check --fix .
	$(MODERN)/bin/ruff format .

fixtures: $(ADAPTERHUB)/.test  ## Make the oracle's fixtures again, with the adapters library.
	$(ADAPTERHUB)/bin/python tests/oracle/make_fixtures.py

mini: $(MODERN)/.test  ## Train the adapters of `mini` again from the data in DATA, with SEED, into mini-SEED.
	$(MODERN)/bin/python -m examples.train_mini --papers $(DATA)/acm_papers.jsonl.gz \
	  --without $(DATA)/bibtex/sigir/*.bib --seed $(SEED) --out mini-$(SEED)

bench: $(MODERN)/.test  ## `mini` on collections and labels it was not trained on, from the data in DATA.
	$(MODERN)/bin/python -m benchmarks.mini --data $(DATA)

evaluation: $(MODERN)/.test  ## The table of docs/evaluation.md, on the data in DATA.
	$(MODERN)/bin/python -m benchmarks.evaluation --data $(DATA)

clean:  ## Remove the environments and what tools left behind.
	rm -rf $(MODERN) $(ADAPTERHUB) specter2-demo mini-[0-9]* .pytest_cache .mypy_cache .ruff_cache .hypothesis

# PyTorch first and by version: unpinned, it brings several GB of CUDA packages.
$(MODERN)/.torch $(ADAPTERHUB)/.torch: %/.torch:
	$(PYTHON) -m venv $*
	$*/$(PIP_INSTALL) --upgrade pip
	$*/$(PIP_INSTALL) $(TORCH)
	touch $@

$(MODERN)/.demo: $(MODERN)/.torch pyproject.toml
	$(MODERN)/$(PIP_INSTALL) --editable '.[mini,cli]'
	touch $@

$(MODERN)/.test: $(MODERN)/.torch pyproject.toml
	$(MODERN)/$(PIP_INSTALL) --editable '.[all,train,mteb,ray]' --group test --group lint
	touch $@ $(MODERN)/.demo

# Sentence Transformers before 6, for the adapters library; langchain-core one minor version before the newest.
$(ADAPTERHUB)/.test: $(ADAPTERHUB)/.torch pyproject.toml
	$(ADAPTERHUB)/$(PIP_INSTALL) --editable '.[all,train,adapters]' 'sentence-transformers==5.7.*' \
	  'langchain-core==1.7.*' --group test
	touch $@
