# Every verb makes what it needs: `make dev` and `make test` work on a fresh clone that has
# Python 3.11 or later, make, and for the tests npm. ARGS goes to the program, e.g.
# make unit ARGS='-k window'.

VENV := .venv
BIN := $(VENV)/bin
# One environment in two steps: what runs, and what tests it, which is four times as large.
STACK := $(VENV)/.stack
TOOLS := $(VENV)/.tools
ARGS ?=

# The first interpreter that is new enough; PYTHON=… on the command line wins.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

NODE := $(shell node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && \
	command -v npm)

# A setting of many images, which has every start of every process compile its sources again.
unexport PYTHONDONTWRITEBYTECODE

PYTEST := $(BIN)/python -m pytest
SOURCES := $(wildcard fanwire shared fanout gateway demo tests bench docs deploy)
FIXTURES := tests/fixtures/node_modules/.complete
FRONTEND := frontend/node_modules/.complete
DEMO := frontend/demo/dist/index.html
E2E_PAGE := frontend/demo/dist-e2e/index.html
DEMO_SOURCES := $(shell find frontend/src frontend/demo -type f \
	-not -path '*/dist/*' -not -path '*/dist-e2e/*' 2>/dev/null)

.DEFAULT_GOAL := help
# What installers write is shown only if they fail.
quietly = log=$$(mktemp); $(1) >$$log 2>&1 || { cat $$log >&2; rm -f $$log; exit 1; }; rm -f $$log

# Runs verbs, and ends with how many tests ran on which engine.
COUNTED := $(CURDIR)/build/tests
counted = rm -rf $(COUNTED); mkdir -p $(COUNTED); \
	FANWIRE_TALLY=$(COUNTED)/tally.jsonl $(MAKE) --no-print-directory $(1); status=$$?; \
	$(BIN)/python -m tests.runner.summary $(COUNTED) --status $$status
VITEST := $(if $(FANWIRE_TALLY),-- --reporter=default --reporter=json \
	--outputFile.json=$(dir $(FANWIRE_TALLY))vitest.json)

.PHONY: help dev topology demo test check lint types imports architecture format unit integration cluster frontend \
	e2e bench docs install python test-here clean

help: ## show the verbs
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

# The demo page is built where npm is; without it `fanwire dev` says that the page is left out.
dev: $(STACK) ## run the whole stack: Valkey, a worker, two gateways, a demo and its page
	@! command -v npm >/dev/null || $(MAKE) --no-print-directory demo || \
	  echo "  the demo page could not be built (above is why); the rest runs without it" >&2
	@$(BIN)/fanwire dev $(ARGS)

topology: $(STACK) $(DEMO) ## run what docker-compose.yml describes, without a container engine
	@$(BIN)/python -m deploy.topology $(ARGS)

demo: $(DEMO) ## build the demo page
	@:

test: python ## everything a change must pass; installs what it needs, or says how
	@$(PYTHON) -S -m tests.runner.prepare
	+@$(MAKE) --no-print-directory install
	+@$(call counted,check unit frontend integration cluster e2e)

test-here: install ## what of it this machine can run as it is; names the rest
	+@$(call counted,check unit $(if $(NODE),frontend) integration cluster e2e) --may-skip \
	  $(if $(NODE),,--left-out 'make frontend, which needs Node 20 or later with npm')

# mypy beside all the rest; what each writes is kept together where make can do that.
check: $(TOOLS) ## style, types, import contracts, sizes
	+@$(MAKE) --no-print-directory -j2 $(if $(filter output-sync,$(.FEATURES)),-Otarget) \
	  types lint imports architecture

lint: $(TOOLS)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(TOOLS)
	$(BIN)/mypy --num-workers 2 $(SOURCES)

imports: $(TOOLS)
	$(BIN)/lint-imports

architecture: $(TOOLS) ## figures of the tree with their bounds: rooms, imports, sizes, numbers
	@$(BIN)/python -m tests.architecture
	$(PYTEST) -q tests/architecture

format: $(TOOLS) ## rewrite the sources in the project's format
	$(BIN)/ruff check --fix-only $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

unit: $(TOOLS) ## tests without a server: policies, shells, the protocol
	$(PYTEST) -n 3 $(wildcard tests/unit tests/component tests/contract) $(ARGS)

# What waits for leases and silences waits side by side; what measures time, or fills both cores,
# runs alone. Exit code 5 is that ARGS left nothing of one of the two.
define beside_and_alone
$(PYTEST) -n $(2) --dist loadgroup -m 'not alone' $(1) $(ARGS) || test $$? -eq 5
$(PYTEST) -m alone $(1) $(ARGS) || test $$? -eq 5
endef

integration: $(TOOLS) $(if $(NODE),$(FIXTURES)) ## tests on the embedded Valkey and on Redis 7
	$(call beside_and_alone,tests/integration,4)

cluster: $(TOOLS) ## tests of many processes: kills, failovers, deploys, balancers
	$(call beside_and_alone,tests/cluster,4)

frontend: $(FRONTEND) ## the TypeScript SDK: style, types, tests, the package and its size
	npm --prefix frontend run --silent check
	npm --prefix frontend run --silent types
	npm --prefix frontend run --silent test $(VITEST)
	npm --prefix frontend run --silent build
	npm --prefix frontend run --silent lint-package
	npm --prefix frontend run --silent size

e2e: $(TOOLS) $(if $(NODE),$(E2E_PAGE)) ## tests in a real browser, the system's Chromium
	$(call beside_and_alone,tests/e2e,2)

bench: $(STACK) ## figures next to a plain write loop; needs a quiet machine
	$(BIN)/python -m bench $(ARGS)

docs: $(TOOLS) ## regenerate the pages that are made from the code
	$(BIN)/python -m docs.generate

install: $(TOOLS) ## only create the environment

python:
	@test -n "$(PYTHON)" || { \
	  echo "Fanwire needs Python 3.11 or later, and no python3 on the PATH is. If one is" >&2; \
	  echo "elsewhere: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Fanwire needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; exit 1; }

PIP_INSTALL = $(BIN)/python -m pip install -qq --disable-pip-version-check \
	--constraint constraints.txt --editable

$(STACK): pyproject.toml constraints.txt | python
	@echo "installing what the stack needs into $(VENV), with $$($(PYTHON) -V) …"
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "Python's venv is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; }
	@$(PIP_INSTALL) '.[server,topology]'
	@touch $@

$(TOOLS): $(STACK)
	@echo "installing the test tools into $(VENV) …"
	@$(PIP_INSTALL) '.[test]'
	@touch $@

# Real webhook payloads, which the integration tests send through the whole system.
$(FIXTURES): tests/fixtures/package.json tests/fixtures/package-lock.json
	@command -v npm >/dev/null || { \
	  echo "The integration tests take real payloads from npm, and npm is not installed;" >&2; \
	  echo "on Debian and Ubuntu: apt-get install npm" >&2; exit 1; }
	@echo "fetching real payloads for the tests from npm …"
	@$(call quietly,npm ci --prefix tests/fixtures --ignore-scripts --no-audit --no-fund)
	@touch $@

$(FRONTEND): frontend/package.json frontend/package-lock.json
	@{ command -v node && command -v npm; } >/dev/null || { \
	  echo "The TypeScript SDK needs Node 20 or later with npm, and the PATH has none;" >&2; \
	  echo "on Debian and Ubuntu: apt-get install npm" >&2; exit 1; }
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || { \
	  echo "The TypeScript SDK needs Node 20 or later; node is $$(node --version)." >&2; exit 1; }
	@echo "installing the page's tools from npm …"
	@$(call quietly,npm ci --prefix frontend --ignore-scripts --no-audit --no-fund)
	@touch $@

$(DEMO): $(FRONTEND) $(DEMO_SOURCES)
	@echo "building the demo page …"
	@npm --prefix frontend run --silent demo -- --logLevel warn

$(E2E_PAGE): $(FRONTEND) $(DEMO_SOURCES)
	@echo "building the demo page for its tests …"
	@npm --prefix frontend run --silent demo -- --logLevel warn --mode e2e

clean: ## remove the environment and every cache
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache \
	  .import_linter_cache .hypothesis bench/build tests/fixtures/node_modules \
	  frontend/node_modules frontend/dist frontend/demo/dist frontend/demo/dist-e2e
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
