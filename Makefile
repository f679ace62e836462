# Two commands do everything on a fresh machine: `make demo` and `make test`. Each makes the environment it needs from
# the locks in requirements/. A GPU user chooses another PyTorch with TORCH=torch (or TORCH='torch==2.x').

PYTHON ?= python3
TORCH ?= torch==2.13.0
TORCH_LOWEST ?= $(TORCH)
JOBS ?= 2
SECONDS ?= 600
DATA ?= ../shared/data
SEED ?= 0

MODERN := .venv
ADAPTERHUB := .venv-adapterhub
HOSTS := .venv-hosts
PIP_INSTALL := bin/python -m pip install --quiet --disable-pip-version-check
PYTEST := bin/python -m pytest -n $(JOBS) --dist loadfile
LOCK := $(MODERN)/bin/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.10 \
  --no-emit-package torch --custom-compile-command 'make lock' --extra all --group build --group test

.DEFAULT_GOAL := help
.PHONY: help demo test check check-rest fuzz lint test-modern test-adapterhub test-hosts test-slow test-server test-extras \
  test-newest test-lowest lock docs help-page picture format fixtures mini bench evaluation clean

help:  ## List the commands.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: $(MODERN)/.demo  ## Ingest the sample papers into an embedded Qdrant, offline, and search them.
	$(MODERN)/bin/specter2 demo

test: lint test-modern  ## Style, types and the fast tests, in the modern environment.

check: test check-rest  ## Everything: all environments, the slow tests, each extra by itself.

check-rest: docs test-adapterhub test-hosts test-slow test-extras  # what `make check` does beyond `make test`

lint: $(MODERN)/.test  ## Style and types.
	$(MODERN)/bin/ruff check .
	$(MODERN)/bin/ruff format --check .
	$(MODERN)/bin/mypy

test-modern: $(MODERN)/.test  ## The fast tests with the newest Sentence Transformers and transformers 5.
	$(MODERN)/$(PYTEST)

test-adapterhub: $(ADAPTERHUB)/.test  ## The fast tests beside the adapters library, which is their oracle.
	$(ADAPTERHUB)/$(PYTEST)

test-hosts: $(HOSTS)/.test  ## The hosts of SentenceTransformers, such as BERTopic and Chroma, each one for real.
	$(HOSTS)/bin/python -m pytest tests/hosts

test-slow: $(MODERN)/.test  ## The tests that take minutes: killed runs, large files.
	$(MODERN)/$(PYTEST) -m slow

test-server: $(MODERN)/.test  ## The tests that speak to a server, on the Qdrant at QDRANT_URL; says how many.
	$(MODERN)/bin/python .ci/server_tests.py

test-extras: $(MODERN)/.test  ## Each extra by itself: every import and command works, or says what to install.
	$(MODERN)/bin/python .ci/extras.py --torch '$(TORCH)'

fuzz: $(MODERN)/.test  ## Made inputs at every boundary for SECONDS; exit code 1 if something is found.
	$(MODERN)/bin/python -m tests.hostile.fuzz --seconds $(SECONDS)

test-newest: $(MODERN)/.test  ## The fast tests with the newest packages, locked or not; says which one breaks them.
	$(MODERN)/bin/python .ci/resolution.py newest --uv $(MODERN)/bin/uv --torch '$(TORCH)' --jobs $(JOBS)

test-lowest: $(MODERN)/.test  ## The fast tests with the lowest packages that pyproject.toml allows; as test-newest.
	$(MODERN)/bin/python .ci/resolution.py lowest --uv $(MODERN)/bin/uv --torch '$(TORCH_LOWEST)' --jobs $(JOBS)

lock: $(MODERN)/.test  ## Lock all environments anew, with the newest packages that pyproject.toml allows.
	$(LOCK) --constraints requirements/modern.in --group lint --group docs --group lock \
	  --output-file requirements/modern.txt
	$(LOCK) --constraints requirements/adapterhub.in --extra adapters --output-file requirements/adapterhub.txt
	$(LOCK) --constraints requirements/hosts.in --group hosts --output-file requirements/hosts.txt

docs: $(MODERN)/.test  ## The documentation as a site, in build/site, offline; a warning is an error.
	NO_MKDOCS_2_WARNING=1 $(MODERN)/bin/python -m mkdocs build --quiet --strict

help-page: $(MODERN)/.test  ## Make docs/help.md again, from the command line itself.
	$(MODERN)/bin/python .ci/help_page.py

picture: $(MODERN)/.test  ## Draw the picture of README.md again, from what `specter2 demo` prints.
	$(MODERN)/bin/python .ci/picture.py

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
	rm -rf $(MODERN) $(ADAPTERHUB) $(HOSTS) .venv-newest .venv-lowest .venv-extras specter2-demo mini-[0-9]* .pytest_cache \
	  .mypy_cache .ruff_cache .hypothesis

# PyTorch first and by version: unpinned, it brings several GB of CUDA packages.
$(MODERN)/.torch: LOCKED := requirements/modern.txt
$(ADAPTERHUB)/.torch: LOCKED := requirements/adapterhub.txt
$(HOSTS)/.torch: LOCKED := requirements/hosts.txt
$(MODERN)/.torch $(ADAPTERHUB)/.torch $(HOSTS)/.torch: %/.torch:
	$(PYTHON) -m venv $*
	$*/$(PIP_INSTALL) --constraint $(LOCKED) $(TORCH)
	touch $@

$(MODERN)/.demo: $(MODERN)/.torch requirements/modern.txt pyproject.toml
	$(MODERN)/$(PIP_INSTALL) --constraint requirements/modern.txt hatchling hatch-fancy-pypi-readme editables
	$(MODERN)/$(PIP_INSTALL) --constraint requirements/modern.txt --no-build-isolation --editable '.[mini,cli]'
	touch $@

$(MODERN)/.test: $(MODERN)/.torch requirements/modern.txt pyproject.toml
	$(MODERN)/$(PIP_INSTALL) --requirement requirements/modern.txt
	$(MODERN)/$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	touch $@ $(MODERN)/.demo

$(ADAPTERHUB)/.test: $(ADAPTERHUB)/.torch requirements/adapterhub.txt pyproject.toml
	$(ADAPTERHUB)/$(PIP_INSTALL) --requirement requirements/adapterhub.txt
	$(ADAPTERHUB)/$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

$(HOSTS)/.test: $(HOSTS)/.torch requirements/hosts.txt pyproject.toml
	$(HOSTS)/$(PIP_INSTALL) --requirement requirements/hosts.txt
	$(HOSTS)/$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	touch $@
