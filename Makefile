# All commands of the project, for developers and CI. `make help` prints the list.
WINDOWS := $(filter Windows_NT,$(OS))
PYTHON ?= $(if $(WINDOWS),python,python3)
FUZZ_SECONDS ?= 60
VENV := .venv
# The directory of an environment's commands.
BIN := $(if $(WINDOWS),Scripts,bin)
PY := $(VENV)/$(BIN)/python
# The compiler of the generated messages needs an older protobuf than the tests use: an environment of its own.
PROTOS := $(VENV)-protos
# One stamp per build profile, touched when the extension in python/mezon was built with that profile.
SOURCES := $(shell find src proto build.rs Cargo.toml Cargo.lock pyproject.toml -type f 2>/dev/null)

# Hundreds of tests start a Python process: none may compile the package, or the tests, again.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help setup build build-dev demo test test-rust test-python test-oldest
.PHONY: faults faults-machines promises bench-quick bench-instructions bench-machines soak model fuzz lint fmt bench bench-rust screenshots proto proto-upstream licences docs dist dist-wheel dist-same lock
.PHONY: clean test-dev asan

help: ## print this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mezon-rs needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) tools/environment.py $(VENV) develop --project --optional nats-server
	@touch $@

setup: $(VENV)/.stamp ## create the virtual environment

$(VENV)/.release: $(VENV)/.stamp $(SOURCES)
	@echo "Compiling the Rust core in release mode: minutes the first time, seconds later. Crate by crate:"
	PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1 VIRTUAL_ENV=$(abspath $(VENV)) $(VENV)/$(BIN)/maturin develop --release --locked
	@rm -f $(VENV)/.dev && touch $@

$(VENV)/.dev: $(VENV)/.stamp $(SOURCES)
	PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1 VIRTUAL_ENV=$(abspath $(VENV)) $(VENV)/$(BIN)/maturin develop --locked --quiet
	@rm -f $(VENV)/.release && touch $@

build: $(VENV)/.release ## build the extension in release mode into the environment

build-dev: $(VENV)/.dev ## build the extension without optimization, quickly

demo: build ## run a bot against the local gateway, then send a burst of 50,000 messages
	$(PY) examples/demo.py

test: test-rust test-python ## run all tests, Rust and Python

test-rust:
	cargo test --locked --quiet

# Number of parallel test processes: more than two cores have, because many tests wait for real time. The tests of one
# file run in one process, in the order of tests/conftest.py. MEZON_TEST_PATIENCE=6 doubles every deadline of the tests.
JOBS ?= 5
test-python: build
	$(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

N ?= 1
BURST ?= 50000
faults: build ## run the fault suite, N=20 times in a row
	@for run in $$(seq $(N)); do echo "run $$run of $(N)"; $(PY) -m pytest -q tests/faults || exit 1; done

faults-machines: build ## kill workers, relays and NATS servers during bursts of 50,000 messages, N=20 times each
	MACHINES_TIMES=$(N) MACHINES_BURST=$(BURST) MACHINES_SECONDS=60 MACHINES_OUTAGE=25 MACHINES_OUTAGE_EVENTS=12000 $(PY) -m pytest -q --timeout 3600 tests/cluster tests/examples

promises: build ## measure the table of docs/guide/many-machines.md: each fault N=20 times in bursts of BURST=50000 (hours); RESUME=1 goes on where it ended
	$(PY) benches/promises.py --runs $(N) --burst $(BURST) $(if $(RESUME),--resume)

soak: build ## inject random faults for SOAK_SECONDS=600 with SOAK_SEED=1 over SOAK_TRANSPORT=auto, then report
	$(PY) tests/soak.py

model: ## check every interleaving of the inbox's threads
	cargo test --locked --quiet --lib --features model inbox::model

fuzz: ## fuzz the decoder for FUZZ_SECONDS; FUZZ_SEED repeats a run
	FUZZ_SECONDS=$(FUZZ_SECONDS) cargo test --locked --quiet --test fuzz -- --nocapture

lint: build $(PROTOS)/.stamp ## check format, clippy, ruff, mypy, pyright, layers, stubtest and generated code
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --all-targets --features python -- -D warnings
	$(VENV)/$(BIN)/ruff format --check .
	$(VENV)/$(BIN)/ruff check .
	$(PY) -m mypy
	$(VENV)/$(BIN)/lint-imports --no-logo --no-cache
	$(PY) -m mypy.stubtest mezon._core mezon._client.rpc --allowlist tests/typing/stubtest-allowlist.txt
	$(PROTOS)/$(BIN)/python tools/protos.py --check
	$(PY) tools/rpc.py --check
	$(PY) tools/events.py --check
	$(PY) tools/licences.py --check
	$(PY) tools/typed.py

DOCS := $(VENV)-docs
$(DOCS)/.stamp: requirements.lock
	$(PYTHON) tools/environment.py $(DOCS) docs
	@touch $@

docs: $(DOCS)/.stamp ## build the documentation site into build/site and check its links
	$(DOCS)/$(BIN)/python tools/docs.py

fmt: $(VENV)/.stamp ## format all code
	cargo fmt
	$(VENV)/$(BIN)/ruff format .
	$(VENV)/$(BIN)/ruff check --fix .

screenshots: build ## update the screenshots of the playground in docs/assets
	MEZON_SCREENSHOTS=docs/assets $(PY) -m pytest -q tests/playground/test_playground_page.py

bench: build ## compare with mezon-sdk (installed into .venv-reference) in one run
	$(PY) benches/compare.py

bench-quick: build ## run a short comparison, under 90 s
	$(PY) benches/compare.py --quick

bench-instructions: build ## count instructions per event with callgrind and compare with the recorded ones; needs valgrind
	$(PY) benches/instructions.py

bench-machines: build ## compare a bot behind a relay and NATS with the same bot in one process
	$(PY) benches/cluster.py

bench-rust: ## run the criterion benchmarks
	cargo bench --locked

# The protobuf compiler needs an older protobuf than the tests, hence a separate environment.
PROTOS := $(VENV)-protos
$(PROTOS)/.stamp: pyproject.toml
	$(PYTHON) tools/environment.py $(PROTOS) protos --unlocked
	@touch $@

proto: $(VENV)/.stamp $(PROTOS)/.stamp ## regenerate the Python messages from proto/
	$(PROTOS)/$(BIN)/python tools/protos.py
	$(PY) tools/rpc.py
	$(PY) tools/events.py

UPSTREAM ?= mezon-protocol
proto-upstream: $(PROTOS)/.stamp ## compare proto/ with a checkout of mezonai/mezon-protocol in UPSTREAM=mezon-protocol
	$(PROTOS)/$(BIN)/python tools/upstream.py $(UPSTREAM)

TARGET ?=
COMPATIBILITY ?= manylinux_2_17
DIST := $(VENV)-dist
DIST_OPTIONS := --compatibility $(COMPATIBILITY) $(if $(TARGET),--target $(TARGET)) $(if $(PGO),--pgo)

$(DIST)/.stamp: requirements.lock
	$(PYTHON) tools/environment.py $(DIST) dist
	@touch $@

dist: $(DIST)/.stamp ## build wheel and sdist into dist/, check them, and run a bot on every installed Python (PGO=1: profile-guided)
	$(DIST)/$(BIN)/python tools/dist.py build $(DIST_OPTIONS)
	$(DIST)/$(BIN)/python tools/dist.py check
	$(DIST)/$(BIN)/python tools/dist.py drive
	$(DIST)/$(BIN)/python tools/dist.py sdist

dist-wheel: $(DIST)/.stamp
	$(DIST)/$(BIN)/python tools/dist.py wheel $(DIST_OPTIONS)
	$(DIST)/$(BIN)/python tools/dist.py check

dist-same: $(DIST)/.stamp ## build the wheel twice and check that the bytes are identical
	$(DIST)/$(BIN)/python tools/dist.py same $(DIST_OPTIONS)

test-dev: build ## run the integration tests in dev mode with a debugging allocator
	PYTHONMALLOC=debug $(PY) -X dev -m pytest -q tests/integration

asan: $(VENV)/.stamp ## run the tests of the core under the address sanitizer (Linux, gcc)
	$(PY) tools/asan.py

test-oldest: build ## run unit and integration tests on the oldest allowed dependencies
	$(PYTHON) tools/oldest.py

licences: ## collect the licences of the crates in the wheel
	$(PYTHON) tools/licences.py

LOCKING := $(VENV)-lock
lock: ## pin the newest allowed versions of every tool and library in requirements.lock and Cargo.lock
	test -x $(LOCKING)/$(BIN)/uv || ($(PYTHON) -m venv $(LOCKING) && $(LOCKING)/$(BIN)/python -m pip install --quiet uv)
	$(LOCKING)/$(BIN)/uv pip compile pyproject.toml --all-extras --group develop --group docs --group dist \
	    --group nats-server --universal --python-version 3.11 --upgrade --quiet --no-annotate --no-emit-index-url \
	    --custom-compile-command "make lock" --output-file requirements.lock
	cargo generate-lockfile

clean: ## remove builds and environments
	rm -rf target build dist $(VENV) $(VENV)-*
