# Every target sets up its own environment first; `make` alone prints what there is.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
STAMP := $(VENV)/.quorate-setup

# One seed for hash order, property tests and the simulation; printed, to repeat a run by.
ifndef SEED
SEED := $(shell od -An -N2 -tu2 /dev/urandom | tr -d ' ')
endif
SEEDS ?= 100
VIEWS ?= 3
SAMPLES ?= 100000
KILLS ?= 200
SENDS ?= 10000
MUTANTS ?= 100000
PROGRAMS ?= 1000
STEPS ?= 3000
PROFILE ?= steady
ARGS ?=

# Folders that need running processes or a cluster; everything else below tests/ is `make test`.
CLUSTER := tests/devnet tests/e2e
# Tests that need compilers of other languages: `make toolchains`.
COMPILERS := tests/toolchains
TOOLS := $(VENV)/.quorate-toolchains

##@ Use
.PHONY: run
run: $(STAMP) ## Four validators and a gateway here, a transfer, a live table
	@$(VENV)/bin/quorate devnet run $(ARGS)

.PHONY: smoke
smoke: $(STAMP) ## A fresh network, 2,000 transfers, kill -9 in the middle, nothing may be lost
	@$(PY) -m quorate.devnet.smoke $(ARGS)

.PHONY: bench
bench: $(STAMP) ## Measure: PROFILE=idle|steady|saturate|overload|one-down|contracts
	@$(PY) bench/run.py --profile $(PROFILE) $(ARGS)

##@ Test
.PHONY: test
test: $(STAMP) ## All that needs no cluster; SEED=n repeats a run
	@echo "seed $(SEED)   (repeat with: make test SEED=$(SEED))"
	@PYTHONHASHSEED=$(SEED) QUORATE_TEST_SEED=$(SEED) \
	  $(PY) -m pytest -m "not devnet" $(addprefix --ignore=,$(CLUSTER) $(COMPILERS)) $(ARGS)

.PHONY: sim
sim: $(STAMP) ## The whole network in one thread, many times: SEEDS=1000
	@$(PY) tests/sim/run.py --seeds $(SEEDS) $(ARGS)

.PHONY: twins
twins: $(STAMP) ## Two validators with one key: all scenarios of few views, many of more
	@$(PY) tests/twins/run.py --exhaustive --views $(VIEWS) --jobs 2 $(ARGS)
	@$(PY) tests/twins/run.py --samples $(SAMPLES) --jobs 2 $(ARGS)

.PHONY: mutants
mutants: $(STAMP) ## Break one rule of the engine after the other, and see which check notices
	@$(PY) tests/mutants/run.py $(ARGS)

.PHONY: economy
economy: $(STAMP) ## Stake, rewards and elections against a plain second implementation: STEPS=50000
	@$(PY) tests/economy/run.py --steps $(STEPS) --jobs 2 $(ARGS)

.PHONY: faults
faults: $(STAMP) ## Real processes, killed at random: KILLS=200; figures with ARGS=--figures
	@$(PY) tests/faults/run.py --kills $(KILLS) $(ARGS)

.PHONY: contract-fuzz
contract-fuzz: $(STAMP) ## Random contracts under plain Python and compiled, compared: PROGRAMS=5000
	@$(PY) tests/contracts/fuzz.py --programs $(PROGRAMS) --jobs 2 $(ARGS)

.PHONY: toolchains
toolchains: $(STAMP) $(TOOLS) ## Contracts in Java, Zig, AssemblyScript; needs a JDK, Maven, npm
	@echo "seed $(SEED)   (repeat with: make toolchains SEED=$(SEED))"
	@QUORATE_TOOLCHAINS=required QUORATE_TEST_SEED=$(SEED) $(PY) -m pytest $(COMPILERS) $(ARGS)

.PHONY: idempotency
idempotency: $(STAMP) ## Payments retried over 50 connections through kills, each once: SENDS=10000
	@$(PY) tests/idempotency/run.py --sends $(SENDS) $(ARGS)

.PHONY: spec
spec: $(STAMP) ## The specification in docs/spec: random runs, its mutants, traces of the engine
	@$(PY) tests/spec/run.py $(ARGS)

.PHONY: wasm
wasm: $(STAMP) ## Damaged modules, and WebAssembly's own tests: MUTANTS=100000
	@$(PY) tests/wasm/run.py --mutants $(MUTANTS) --jobs 2 $(ARGS)
	@$(PY) tests/wasm/spec_suite.py

.PHONY: devnet-test
devnet-test: $(STAMP) ## Real processes, killed, paused, damaged and lied to
	@echo "seed $(SEED)   (repeat with: make devnet-test SEED=$(SEED))"
	@PYTHONHASHSEED=$(SEED) QUORATE_TEST_SEED=$(SEED) \
	  $(PY) -m pytest -m devnet tests/devnet $(ARGS)

.PHONY: ci
ci: ## What CI runs: lint, test, devnet-test, smoke, slices of sim, mutants and faults
	@.ci/run

##@ Check and generate
.PHONY: lint
lint: $(STAMP) ## ruff, mypy strict, import layers, buf
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check --quiet . || \
	  { $(VENV)/bin/ruff format --check .; echo "next: make format"; exit 1; }
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --verbose > $(VENV)/lint-imports.log 2>&1 || \
	  { cat $(VENV)/lint-imports.log; exit 1; }
	@cd proto && ../$(VENV)/bin/buf lint
	@echo "lint: clean"

.PHONY: format
format: $(STAMP) ## Rewrite what ruff can put right by itself
	@$(VENV)/bin/ruff check --fix --quiet . || true
	@$(VENV)/bin/ruff format .

.PHONY: proto
proto: $(STAMP) ## Generate services/quorate/api from proto/
	@$(PY) proto/generate.py

.PHONY: proto-check
proto-check: $(STAMP) ## Is the generated code fresh, and the wire format compatible?
	@$(PY) -m pytest -q tests/style/test_generated.py tests/wire/test_compatible.py

.PHONY: proto-baseline
proto-baseline: $(STAMP) ## Take the wire format as it is now as the promise to keep
	@cd proto && ../$(VENV)/bin/buf build -o ../tests/wire/baseline.binpb

.PHONY: docs
docs: $(STAMP) ## Rewrite the tables in docs/ that are made from code
	@$(PY) docs/generate.py

.PHONY: lock
lock: $(STAMP) ## Resolve pyproject.toml anew into requirements.lock
	@$(VENV)/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --upgrade \
	  --output-file requirements.lock

##@ House
.PHONY: setup
setup: $(STAMP) ## Make .venv from requirements.lock; does nothing when it is up to date

.PHONY: clean
clean: ## Remove .venv and caches; a local network's data (.quorate) stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## Print this
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Quorate needs Python 3.11 or newer, and '$(PYTHON)' is not that."; \
	  echo "next: install one (Debian, Ubuntu: apt install python3 python3-venv), or name one:"; \
	  echo "      make setup PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' comes without its venv module."; \
	  echo "next: apt install python3-venv   (Debian, Ubuntu), then the same command again"; exit 1; }
	@echo "setting up $(VENV) (once)"
	@test -x $(PY) && $(PY) -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) --require-hashes -r requirements.lock || { \
	  echo "the packages of requirements.lock could not be installed (see above)."; \
	  echo "next: check the network and pip's settings (pip config list), then try again"; \
	  exit 1; }
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(TOOLS): $(STAMP) requirements-toolchains.lock
	@$(PIP) --require-hashes -r requirements-toolchains.lock
	@touch $@
