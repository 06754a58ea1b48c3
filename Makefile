# Everything a person or CI does with a checkout. Set-up happens as a dependency of what needs it; `make help` lists.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev
PACKAGES := commandcenter jobs exports $(wildcard schedules webhooks bench)

# What `make run` passes on; the environment's own names win over the defaults.
PORT ?= $(or $(CC_PORT),8000)
DATA ?= $(or $(CC_DATA_DIR),.data)
REPO ?=
PYTEST_ARGS ?=

# Settings load only with a complete environment; nothing listens at these addresses and nothing is asked.
CHECK_ENV = env -u CC_DATA_DIR CC_PROCESS=command DATABASE_URL=postgresql://check@127.0.0.1:9/check \
  BROKER_URL=redis://127.0.0.1:9/0 CACHE_URL=redis://127.0.0.1:9/0 CHANNEL_URL=redis://127.0.0.1:9/0 \
  CC_PUBLIC_URL=https://check.example ALLOWED_HOSTS=check.example \
  SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" \
  CC_ENCRYPTION_KEYS="$$($(PY) -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')"

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: $(RUNTIME) ## Set up and run everything in the foreground: PORT=8000 DATA=.data REPO=<path or URL>
run: export CC_PORT := $(PORT)
run: export CC_DATA_DIR := $(DATA)
run: export REPO := $(REPO)
run:
	@exec $(PY) manage.py up

.PHONY: test
test: $(DEV) ## Set up and run every test: PYTEST_ARGS="-k word"
	@$(PY) -m tests.chromium
	@$(PY) -m pytest -n 2 $(PYTEST_ARGS)

.PHONY: soak
soak: $(DEV) ## Many small jobs under random kills, none lost or doubled: JOBS=2000 SEED=1, or DELIVERIES=50000
	@$(PY) -m tests.faults.soak --jobs $(or $(JOBS),2000) $(if $(DELIVERIES),--deliveries $(DELIVERIES)) $(if $(SEED),--seed $(SEED))

.PHONY: lint
lint: $(DEV) ## ruff, import contracts, templates, deployment check, missing migrations
	@echo "ruff check" && $(PY) -m ruff check .
	@echo "ruff format" && $(PY) -m ruff format --check --quiet .
	@echo "import contracts" && $(VENV)/bin/lint-imports --no-cache
	@echo "templates" && $(VENV)/bin/djlint --lint --quiet templates
	@echo "manage.py check --deploy" && $(CHECK_ENV) DJANGO_SETTINGS_MODULE=commandcenter.settings.production \
	  $(PY) manage.py check --deploy --fail-level WARNING
	@echo "manage.py makemigrations --check" && $(CHECK_ENV) DJANGO_SETTINGS_MODULE=commandcenter.settings.production \
	  $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

.PHONY: types
types: $(DEV) ## mypy --strict
	@$(CHECK_ENV) $(PY) -m mypy $(PACKAGES)

.PHONY: bench
bench: $(DEV) ## Benchmarks, as ratios within one run
	@$(PY) -m bench

.PHONY: accuracy
accuracy: $(DEV) ## The engine's numbers beside cloc, lizard, linguist, licensee and lock files; packages are fetched
	@$(PY) -m tests.accuracy

.PHONY: extras
extras: $(DEV) ## The optional engines with the real programs, which CC_SEMGREP and CC_JSCPD name or which are installed
	@$(CHECK_ENV) $(PY) -m pytest -q tests/extras/real_programs.py

# The programs come from npm as tests/oracles/package-lock.json pins them; none of their install scripts is run.
ORACLES := build/oracles
$(ORACLES)/node_modules/.installed: tests/oracles/package.json tests/oracles/package-lock.json
	@command -v npm >/dev/null || { echo "make formats needs node and npm; install them first." >&2; exit 1; }
	@mkdir -p $(ORACLES) && cp $^ $(ORACLES)
	@npm ci --prefix $(ORACLES) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.PHONY: formats
formats: $(DEV) $(ORACLES)/node_modules/.installed ## What we export, read by programs of others; needs npm
	@$(PY) -m pytest -q tests/oracles/*.py

.PHONY: vendor
vendor: $(RUNTIME) ## Fetch the front-end files and the texts of licences again at the versions that their list names
	@$(PY) deploy/vendor/vendor.py
	@$(PY) deploy/vendor/licenses.py

.PHONY: events
events: $(RUNTIME) ## Write docs/events.md from the catalogue of event types
	@$(CHECK_ENV) $(PY) manage.py describe_events > docs/events.md

.PHONY: screenshots
screenshots: $(DEV) ## Pictures of every page, light and dark, for the eye: build/screenshots
	@$(PY) -m tests.chromium
	@$(PY) -m tests.screenshots

# Universal over Python 3.11-3.13 and machines, with hashes, without addresses of package indexes.
LOCK = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
  --no-annotate --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)

.PHONY: lock
lock: $(DEV) ## Write requirements/*.txt from pyproject.toml: UPGRADE=1 for newer versions
	@$(LOCK) pyproject.toml --output-file requirements/runtime.txt
	@$(LOCK) pyproject.toml --group dev --constraints requirements/runtime.txt --output-file requirements/dev.txt

.PHONY: clean
clean: ## Remove what was built; the data folder stays
	@rm -rf $(VENV) build dist staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up ----------------------------------------------------------------------------------------------------------

PIP = $(PY) -m pip -qq --disable-pip-version-check --no-input

$(RUNTIME): requirements/runtime.txt | $(VENV)/pyvenv.cfg
	@echo "Installing what Command Center needs (once)"
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@touch $@

$(DEV): requirements/dev.txt requirements/runtime.txt | $(VENV)/pyvenv.cfg
	@echo "Installing what development and tests need (once)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $(RUNTIME) $@

# PYTHON may name the interpreter. A Python without ensurepip (Debian without python3-venv) lends its own pip.
$(VENV)/pyvenv.cfg:
	@set -e; found=; \
	for candidate in "$(PYTHON)" python3.11 python3.12 python3.13 python3; do \
	  if [ -n "$$candidate" ] && "$$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "Command Center needs Python 3.11 or newer; install it, or name one with PYTHON=." >&2; exit 1; fi; \
	rm -rf $(VENV); \
	if "$$found" -c 'import ensurepip' 2>/dev/null; then "$$found" -m venv $(VENV); \
	elif "$$found" -m pip --version >/dev/null 2>&1; then \
	  "$$found" -m venv --without-pip $(VENV); \
	  "$$found" -m pip -qq --disable-pip-version-check --python $(PY) install 'pip>=24'; \
	else echo "$$found has neither ensurepip nor pip; install one of them (Debian: apt-get install python3-venv)." >&2; exit 1; fi
