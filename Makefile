# Everything here sets itself up: Python >= 3.11, git and make are enough. `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# What a machine may have set for other projects must not reach this one's environment.
unexport PYTHONPATH PYTHONHOME PYTHONOPTIMIZE PYTHONWARNINGS VIRTUAL_ENV
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_CONSTRAINT PIP_REQUIRE_HASHES
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

VENV := .venv
BIN := $(VENV)/bin
DEPENDENCIES := $(VENV)/.dependencies
READY := $(VENV)/.ready

# Which Python builds .venv: the first that fits. `make setup PYTHON=/path/to/python` puts one in front.
PYTHON ?=
PYTHONS := $(PYTHON) python3 python3.13 python3.12 python3.11

# `make bench JOBS=1` runs on one core.
JOBS ?=
RUN = $(BIN)/diffbench run $(if $(JOBS),--jobs $(JOBS))
LATEST := reports/latest
FULL := reports/full
TIMED := $(shell find diffbench benchmarks -name '*.py' 2>/dev/null)

# ---- environment -----------------------------------------------------------------------------------

# The stamp holds the folder it was made in. It is written last and removed first, so .venv is rebuilt
# after an interrupted set-up, in a checkout that was moved, and when its Python is gone.
HERE := $(or $(shell cd . && pwd -P),unknown)
STAMPED := $(shell test -x $(BIN)/python && cat $(DEPENDENCIES) 2>/dev/null)
ifneq ($(STAMPED),$(HERE))
REBUILD := FORCE
endif

define build_venv
found= ; bare= ; \
for newest in 13 99; do for python in $(PYTHONS); do \
    test -z "$$found" || continue; \
    "$$python" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $$newest))" 2>/dev/null || continue; \
    if "$$python" -c "import ensurepip, venv" 2>/dev/null; then found="$$python"; else bare="$$python"; fi; \
done; done; \
if test -z "$$found" && test -n "$$bare"; then \
    version=$$("$$bare" -c "import sys; print('%d.%d' % sys.version_info[:2])"); \
    echo "make: $$bare (Python $$version) cannot build a virtual environment: its venv or ensurepip module is missing." >&2; \
    echo "      Debian, Ubuntu: sudo apt install python$$version-venv. Then run make again." >&2; \
    exit 1; \
elif test -z "$$found"; then \
    echo "make: diffbench needs Python 3.11 or newer; none found among: $(PYTHONS)." >&2; \
    echo "      Debian, Ubuntu: sudo apt install python3 python3-venv. Fedora: sudo dnf install python3. macOS: brew install python." >&2; \
    echo "      One that is somewhere else: make PYTHON=/path/to/python3 setup" >&2; \
    exit 1; \
fi; \
echo "building $(VENV) with $$("$$found" -c 'import sys; print(sys.executable, sys.version.split()[0])')"; \
"$$found" -m venv --clear $(VENV)
endef

$(DEPENDENCIES): requirements.txt $(REBUILD)
	@rm -f $(DEPENDENCIES) $(READY)
	@$(if $(REBUILD),$(build_venv),:)
	@echo "installing the pinned packages of requirements.txt (a minute or two, only when they change)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	@pwd -P > $(DEPENDENCIES)

$(READY): pyproject.toml $(DEPENDENCIES)
	@rm -f $(READY)
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

.PHONY: setup
setup: $(READY) ## build .venv: pinned packages, and diffbench itself as an editable install

# ---- measure ---------------------------------------------------------------------------------------

# The timings are taken again only when a source they depend on changed. If they fail, the run still
# happens, and make says so at the end.
$(LATEST)/timings.json: $(TIMED) | $(READY)
	@mkdir -p $(LATEST)
	@echo "timing the engines (only when a source changed)"
	@$(BIN)/python -m pytest -q benchmarks --benchmark-enable --benchmark-only --benchmark-json=$@.part \
	    || { rm -f $@.part; exit 1; }
	@mv $@.part $@

.PHONY: bench
bench: $(READY) ## measure the default suite and write reports/latest (2 minutes, seconds when nothing changed)
	@failed=0; $(MAKE) --silent --no-print-directory $(LATEST)/timings.json || failed=$$?; \
	$(RUN) benchmarks/suites/default.toml --out $(LATEST) || exit $$?; \
	test $$failed -eq 0 || { echo "make: the timings failed; the report above stands without them" >&2; exit $$failed; }

# The rivals that are too heavy for every set-up.
RIVALS := $(VENV)/.rivals

$(RIVALS): requirements-rivals.txt $(DEPENDENCIES)
	@echo "installing the heavy rivals of requirements-rivals.txt (a minute)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-rivals.txt
	@touch $@

.PHONY: bench-full
bench-full: $(READY) $(RIVALS) ## measure the full suite, all rivals installed, and write reports/full
	@$(RUN) benchmarks/suites/full.toml --out $(FULL)

# The committed sample: the quick suite's report without its raw data.
SAMPLE := reports/sample

.PHONY: sample
sample: $(READY) ## make reports/sample again: the quick suite's report, without raw data
	@rm -rf $(SAMPLE) build/sample
	@$(BIN)/diffbench run benchmarks/suites/quick.toml --out build/sample
	@mkdir -p $(SAMPLE)/figures
	@cp build/sample/REPORT.md build/sample/summary.csv build/sample/problems.csv build/sample/references.csv build/sample/leaderboard.csv build/sample/random-scores.csv $(SAMPLE)
	@cp build/sample/figures/*.svg $(SAMPLE)/figures
	@test ! -f $(LATEST)/summary.csv || $(BIN)/python benchmarks/which_step.py $(LATEST)

# ---- check -----------------------------------------------------------------------------------------

# The page is tested in Chromium where there is one; where there is none, that is said and not passed over.
CHROMIUM := $(shell command -v chromedriver >/dev/null 2>&1 && \
    { command -v chromium || command -v chromium-browser || command -v google-chrome; } 2>/dev/null)
NO_CHROMIUM = make: no chromium with chromedriver here: the tests of the page in a browser did NOT run (make test-browser)
BROWSER = $(if $(CHROMIUM),$(BIN)/python -m pytest -q tests/browser,echo "$(NO_CHROMIUM)" >&2)

.PHONY: test
test: $(READY) ## run the tests (without those marked slow)
	@$(BIN)/python -m pytest -q -n 2 -m "not slow" --ignore tests/browser
	@$(BROWSER)

.PHONY: test-all
test-all: $(READY) ## run every test, also the slow ones (some install packages)
	@$(BIN)/python -m pytest -q -n 2 --ignore tests/browser
	@$(BROWSER)

.PHONY: chromium
chromium:
	@test -n "$(CHROMIUM)" || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
	          chromium chromium-driver >/dev/null; }; } || \
	    { echo "make: the tests of the page need chromium and chromedriver." >&2; \
	      echo "      Debian: sudo apt install chromium chromium-driver. Others: Chromium with its driver, on the PATH." >&2; exit 1; }

.PHONY: test-browser
test-browser: chromium $(READY) ## test the page in Chromium (installs it on Debian, as root)
	@$(BIN)/python -m pytest -q tests/browser

.PHONY: lint
lint: $(READY) ## check style, format and types
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy

.PHONY: format
format: $(READY) ## sort imports and format the code
	@$(BIN)/python -m ruff check --fix-only --quiet .
	@$(BIN)/python -m ruff format .

# ---- housekeeping ----------------------------------------------------------------------------------

UV ?= uv

.PHONY: requirements
requirements: ## pin requirements*.in into requirements*.txt, with hashes (needs uv; make requirements UPGRADE=1 for newer versions)
	@command -v "$(UV)" >/dev/null || { echo "make: uv is needed to pin requirements: pip install uv, or UV=/path/to/uv" >&2; exit 1; }
	"$(UV)" pip compile -q --universal --python-version 3.11 --generate-hashes requirements.in -o requirements.txt \
	    --no-emit-index-url --no-header $(if $(UPGRADE),--upgrade)
	"$(UV)" pip compile -q --universal --python-version 3.11 --generate-hashes requirements-rivals.in \
	    -c requirements.txt -o requirements-rivals.txt --no-emit-index-url --no-header $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## remove all that the other targets make: .venv, caches, builds, reports/latest, reports/full
	rm -rf $(VENV) $(LATEST) $(FULL) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .benchmarks
	find diffbench tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## print this table
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: FORCE
FORCE:
