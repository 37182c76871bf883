# Every target sets up what it needs: the virtual environment, the pinned packages, Prometheus and Alertmanager.
SHELL := /bin/sh
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed
FOR ?= 0
ARGS ?=

# The first Python that is new enough; PYTHON=… chooses another one.
NEW_ENOUGH := import sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	if $$python -c '$(NEW_ENOUGH)' 2>/dev/null; then echo $$python; break; fi; done)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-bots check fix generate bench provision-dashboards snapshot silence constraints binaries clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | while IFS='	' read -r target text; do \
		printf '  make %-22s %s\n' "$$target" "$$text"; done

setup: $(STAMP) binaries ## Make the virtual environment and find or unpack Prometheus and Alertmanager
	@$(RUN) -m simulator.stack install --where
	@echo 'Ready. make demo shows it, make test checks it, make help lists the rest.'

demo: $(STAMP) binaries ## Run everything on simulated exchanges until Ctrl-C (FOR=60: for 60 s; ARGS=--help: more)
	@$(RUN) -m simulator.demo --for $(FOR) $(ARGS)

# Most tests wait for something most of the time, so several run at once. Those that ARGS names run in their order.
test: check binaries ## Run all checks and tests (ARGS=tests/stack: only some tests)
	@$(RUN) -m pytest $(or $(ARGS),--numprocesses=4 --dist=worksteal)

test-bots: $(STAMP) ## Try the sources of bots on the real programs, installed apart (ARGS=tests/bots/freqtrade: one)
	@$(RUN) -m tests.bots.environments
	@$(RUN) -m pytest -m bots $(or $(ARGS),tests/bots)

check: $(STAMP) ## Lint, formatting, types, generated files up to date; edits nothing
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(RUN) -m exporter.reference --check docs/metrics.md
	$(RUN) -m exporter.web.schema --check docs/events.schema.json
	$(RUN) -m grafana.generate --check
	$(RUN) -m simulator.stack exporter-config --check exporter.demo.yml
	$(RUN) -m alertmanager.generate --check

fix: $(STAMP) ## Correct lint and formatting where that can be done by itself
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

generate: $(STAMP) ## Write the generated files again: docs, dashboards, the demo's exporter configuration, Alertmanager's
	$(RUN) -m exporter.reference docs/metrics.md
	$(RUN) -m exporter.web.schema docs/events.schema.json
	$(RUN) -m grafana.generate
	$(RUN) -m simulator.stack exporter-config exporter.demo.yml
	$(RUN) -m alertmanager.generate

bench: $(STAMP) ## Measure: one line a figure with its target
	@$(RUN) -m tests.bench $(ARGS)

provision-dashboards: $(STAMP) ## Put dashboards, folders and teams into Grafana (GRAFANA_URL, GRAFANA_TOKEN; ARGS=--help)
	@$(RUN) -m grafana.provision $(ARGS)

snapshot: $(STAMP) ## Publish the public figures of now as a link for everybody (GRAFANA_URL, GRAFANA_TOKEN; ARGS=--help)
	@$(RUN) -m grafana.snapshot $(ARGS)

silence: $(STAMP) ## Silence alerts for a while, as in MATCH='exchange=binance' FOR=2h COMMENT=why; without MATCH: list
	@$(RUN) -m alertmanager.silence

constraints: $(STAMP) ## Resolve the pinned versions of .ci/constraints.txt afresh
	@$(RUN) .ci/bootstrap.py .cache/resolve /dev/null
	@{ sed -n '/^#/p' .ci/constraints.txt; .cache/resolve/bin/python -m pip freeze --all --exclude-editable \
		--exclude setuptools | LC_ALL=C sort -f; } > .cache/constraints.txt && mv .cache/constraints.txt .ci/constraints.txt
	@rm -rf .cache/resolve

clean: ## Remove what the targets made here, and keep the unpacked binaries
	rm -rf $(VENV) .cache .demo .hypothesis .mypy_cache .pytest_cache .ruff_cache "$$HOME"/.cache/trading-exporter/bench-*

binaries: $(STAMP)
	@$(RUN) -m simulator.stack install

$(STAMP): pyproject.toml .ci/constraints.txt .ci/bootstrap.py
	@test -n '$(PYTHON)' || { echo 'No Python 3.11 or newer found. Install one (Debian 12+, Ubuntu 24.04+:' \
		'sudo apt-get install python3) or name it: make PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo '$(PYTHON) is not Python 3.11 or newer with its venv module' >&2; exit 1; }
	@$(PYTHON) .ci/bootstrap.py $(VENV)
	@touch $@
