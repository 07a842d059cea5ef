# Each target does everything it needs on a machine with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The Autobahn TestSuite runs on Python 2.7 alone; pyenv's python2.7 on the PATH may be a shim with nothing behind it.
AUTOBAHN := .venv-autobahn
# The fuzzer, in a folder of its own: no test of `make test` needs it.
FUZZER := $(VENV)/fuzzer
# ccxt, which trades at the fake exchange, with packages of its own.
CCXT := $(VENV)/ccxt
# cryptofeed, which `python -m benchmarks --only frames` compares with. It needs a C compiler.
CRYPTOFEED := $(VENV)/cryptofeed
# nautilus_trader and backtrader, which `python -m benchmarks --only backtest` compares with. They need Python 3.12 or later.
BACKTESTERS := $(VENV)/backtesters
BACKTESTERS_BASE ?= $(shell for p in python3.13 python3.12 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[23].*/bin/python; do \
	"$$p" -c "" 2>/dev/null && echo "$$p" && break; done)
# What runs others' packages, for the tests of our own: uv, pipx, cibuildwheel.
TOOLS := $(VENV)/tools
# Servers and tools of others, for the tests of deploy/: Debian's packages, unpacked, so that nothing is started or changed.
SERVERS := $(VENV)/servers
# MkDocs, which makes the site of the documents.
DOCS := $(VENV)/docs
PYTHON27 ?= $(shell for p in python2.7 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/2.7.*/bin/python; do \
	"$$p" -c "" 2>/dev/null && echo "$$p" && break; done)

.PHONY: run install test test-sources servers wheels smoke test-slow chaos browser conformance check bench mutants fuzz soak fake-exchange docs lock clean

run: $(VENV)/.sources ## serve the simulated exchange on http://127.0.0.1:8000
	@test -e $(VENV)/.compiled || echo "Not compiled: it runs from its sources, which is slower. make install compiles it."
	$(BIN)/floorwire serve

install: $(VENV)/.compiled ## .venv/bin/floorwire, compiled where that makes it faster

# Said before pip fails over it: which Python is needed, and how to name another.
WANTED := Floorwire needs Python 3.11, 3.12, 3.13 or 3.14: make PYTHON=/path/to/python3.13
SUITABLE = command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). $(WANTED)"; exit 1; }; \
	found=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	case $$found in 3.11|3.12|3.13|3.14) ;; *) echo "$(PYTHON) is Python $$found. $(WANTED)"; exit 1;; esac
PIP := $(BIN)/python -m pip --disable-pip-version-check

# What is compiled when Floorwire is installed.
COMPILED := src/floorwire/hub/sendloop.c src/floorwire/storage/block_writer.c src/floorwire/compiled.py src/floorwire/slots.h \
	$(wildcard $(foreach package,core engine venues/*,src/floorwire/$(package)/*.py src/floorwire/$(package)/*.pxd))

$(VENV)/.sources: pyproject.toml setup.py requirements.txt
	@$(SUITABLE)
	@echo "Installing Floorwire into $(VENV), once: about a minute."
	@echo "1/3 Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@echo "2/3 Fetching the packages that it needs"
	@$(PIP) install --require-hashes -r requirements.txt
	@echo "3/3 Installing Floorwire itself"
	@PURE_PYTHON=1 $(PIP) install --no-deps -e .
	@touch $@

$(VENV)/.compiled: $(VENV)/.sources $(COMPILED)
	@echo "Compiling Floorwire, once: some minutes of CPU time, on all cores."
	@$(PIP) install --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.compiled requirements-dev.txt
	@echo "Fetching the packages that the tests need"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

# Some environments forbid Python to keep what it compiled. Then each interpreter would compile every module again.
export PYTHONDONTWRITEBYTECODE :=

# Many tests wait for servers of their own: three processes keep two cores busy for less than two thirds of the
# time. The tests of a file run in one process, which keeps what they share. Files keep their order: otherwise those
# of few tests came last, and the longest of all are among them.
PROCESSES := 4
AT_A_TIME := --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder

test: $(VENV)/.dev browser servers ## the whole quick suite
	$(BIN)/python -m pytest $(AT_A_TIME)

test-sources: $(VENV)/.dev ## the tests of what is compiled, once more from its sources
	PURE_PYTHON=1 $(BIN)/python -m pytest $(AT_A_TIME) tests/core tests/engine tests/trading/test_faults.py \
		tests/venues/common/test_frame_scanner.py tests/venues/common/test_level_reader.py tests/venues/common/test_venue_book.py \
		tests/venues/binance/test_scanned_messages.py tests/venues/kraken/test_checked_book.py \
		tests/venues/kraken/test_scanned_book.py tests/venues/kraken/test_scanned_book_v2.py \
		tests/venues/kraken/test_scanned_messages.py tests/venues/okx/test_scanned_messages.py

browser: ## Chromium for the tests of the page: Debian's, where there is none and it can be installed
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
		command -v $$name >/dev/null && exit; done; \
	test "$$(id -u)" = 0 && { apt-get -qq update; \
		DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium >/dev/null; } \
	|| echo "No Chromium, and it could not be installed: the tests of the page are skipped."

servers: $(VENV)/.dev ## Caddy, nginx and Prometheus for the tests of deploy/, from Debian's packages
	@test -e $(SERVERS)/.done || { rm -rf $(SERVERS) && mkdir -p $(SERVERS)/packages && \
		{ test "$$(id -u)" != 0 || apt-get -qq update; } && \
		(cd $(SERVERS)/packages && apt-get -qq -o APT::Sandbox::User=root download caddy nginx prometheus) && \
		for package in $(SERVERS)/packages/*.deb; do dpkg-deb -x $$package $(SERVERS); done && \
		rm -r $(SERVERS)/packages && touch $(SERVERS)/.done; } \
	|| echo "No packages of Debian: the tests with Caddy, nginx and Prometheus are skipped, unless these are installed."

smoke: $(VENV)/.dev ## the wheel in an empty environment, beside the newest fastapi, pydantic and ccxt: does it work?
	$(BIN)/python -m pytest -m slow tests/deploy/test_packages.py

# The Pythons of this machine that have headers: on the PATH, or pyenv's. `true`: make takes nothing of what a shell prints
# that ends with 127, as this one does where the last Python is not found.
PYTHONS ?= $(shell for v in 3.11 3.12 3.13 3.14; do \
	for p in python$$v "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$$v.*/bin/python; do \
	"$$p" -c "import ensurepip, pathlib, sysconfig; pathlib.Path(sysconfig.get_path('include'), 'Python.h').stat()" \
	2>/dev/null && command -v "$$p" && break; done; done; true)
wheels: $(VENV)/.dev ## dist/: source distribution, wheels with and without compiled parts, and those of the SDK alone
	rm -rf dist
	$(BIN)/python -m packages.build dist $(PYTHONS)

test-slow: $(VENV)/.dev ## the long tests, and other examples of the property tests than the quick suite's
	-@$(MAKE) -sk $(AUTOBAHN)/bin/wstest $(CCXT)/.done $(TOOLS)/.done servers
	CCXT_PYTHON=$${CCXT_PYTHON:-$(CCXT)/bin/python} $(BIN)/python -m pytest -m slow
	$(BIN)/python -m pytest --hypothesis-profile=wander -m 'hypothesis and not slow'

conformance: $(AUTOBAHN)/bin/wstest ## the WebSocket against the Autobahn TestSuite
	$(BIN)/python -m pytest -m slow -rP tests/conformance

$(AUTOBAHN)/bin/wstest: tests/conformance/requirements-autobahn.txt | $(VENV)/.dev
	@test -n "$(PYTHON27)" || { echo "The Autobahn TestSuite needs a Python 2.7: make $@ PYTHON27=/path/to/it"; exit 1; }
	rm -rf $(AUTOBAHN)
	$(BIN)/python -m pip install -q --no-deps --require-hashes --target $(AUTOBAHN)/bootstrap -r $<
	$(PYTHON27) $(AUTOBAHN)/bootstrap/virtualenv.py -q --no-download $(AUTOBAHN)
	$(AUTOBAHN)/bin/python -m pip install -q --no-deps --require-hashes --no-python-version-warning -r $<
	@touch $@

check: $(VENV)/.dev ## formatting, lint, types, import rules, security, dependencies that fit each other
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -r src -s B101,B102,B104,B105,B113,B311 # ruff's S101, S102, S104, S105, S113 and S311 hold these, with a reason where one is broken
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m pip -q check

chaos: $(VENV)/.dev ## kill the server fifty times under load, and look at what is left
	$(BIN)/python -m pytest -m slow tests/trading

bench: $(VENV)/.dev ## Floorwire beside others: tables of ratios, in some minutes
	$(BIN)/python -m benchmarks

MODULE ?=
MINUTES ?= 180
mutants: $(VENV)/.dev ## change the code in one place at a time, and look whether a test fails; MODULE=engine/risk_checks for one
	nice $(BIN)/python -m tests.mutants $(MODULE) --minutes $(MINUTES)

TARGET ?=
SECONDS ?= 600
KEEP ?=
fuzz: $(FUZZER)/.done ## look for inputs that break what a client without a key reaches; TARGET=json for one, KEEP=1 keeps what it finds
	PYTHONPATH=$(FUZZER) nice $(BIN)/python -m tests.fuzz $(TARGET) --seconds $(SECONDS) $(if $(KEEP),--keep)

$(FUZZER)/.done: tests/fuzz/requirements-fuzz.txt | $(VENV)/.dev
	rm -rf $(FUZZER)
	@$(PIP) install -q --no-deps --require-hashes --target $(FUZZER) -r $<
	@touch $@

soak: MINUTES = 60
soak: $(VENV)/.dev ## an hour at half load with clients of all kinds: does the server hold more and more?
	$(BIN)/python -m tests.soak --minutes $(MINUTES)

$(CCXT)/.done: tests/fake_exchange/requirements-ccxt.txt | $(VENV)/.dev
	rm -rf $(CCXT)
	$(BIN)/python -m venv $(CCXT)
	@$(CCXT)/bin/python -m pip --disable-pip-version-check install -q --require-hashes -r $<
	@touch $@

$(TOOLS)/.done: packages/requirements-tools.txt | $(VENV)/.dev
	rm -rf $(TOOLS)
	$(BIN)/python -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip --disable-pip-version-check install -q --require-hashes -r $<
	@touch $@

$(CRYPTOFEED)/.done: benchmarks/requirements-cryptofeed.txt | $(VENV)/.dev
	rm -rf $(CRYPTOFEED)
	$(BIN)/python -m venv $(CRYPTOFEED)
	@$(CRYPTOFEED)/bin/python -m pip --disable-pip-version-check install -q --require-hashes -r $<
	@touch $@

$(BACKTESTERS)/.done: benchmarks/requirements-backtesters.txt | $(VENV)/.dev
	@test -n "$(BACKTESTERS_BASE)" || { echo "nautilus_trader needs Python 3.12 or 3.13: make $@ BACKTESTERS_BASE=/path/to/it"; exit 1; }
	rm -rf $(BACKTESTERS)
	$(BACKTESTERS_BASE) -m venv $(BACKTESTERS)
	@$(BACKTESTERS)/bin/python -m pip --disable-pip-version-check install -q --require-hashes -r $<
	@touch $@

fake-exchange: $(VENV)/.dev ## an exchange for tests on 127.0.0.1, with its addresses and keys
	$(BIN)/python -m tests.fake_exchange

docs: $(VENV)/.sources $(DOCS)/.done ## write the pages of the reference, and build the site of all pages in build/site
	$(BIN)/python -m docsite docs
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --quiet --strict

$(DOCS)/.done: docsite/requirements.txt docsite/mermaid.py
	@$(SUITABLE)
	rm -rf $(DOCS)
	$(PYTHON) -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip --disable-pip-version-check install -q --require-hashes -r $<
	@$(DOCS)/bin/python docsite/mermaid.py $(DOCS)/mermaid.min.js
	@touch $@

lock: $(VENV)/.dev ## pin every dependency with hashes
	$(BIN)/pip-compile -q --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-header --allow-unsafe -o requirements.txt pyproject.toml
	$(BIN)/pip-compile -q --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-header --allow-unsafe --extra dev -o requirements-dev.txt pyproject.toml
	$(BIN)/pip-compile -q --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-header --allow-unsafe -o packages/requirements-tools.txt packages/requirements-tools.in
	$(BIN)/pip-compile -q --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-header --allow-unsafe -o docsite/requirements.txt docsite/requirements.in

clean:
	rm -rf $(VENV) $(AUTOBAHN) build dist src/*.egg-info
