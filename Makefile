# make run    set up if needed and open the app on http://127.0.0.1:8501
# make test   set up if needed and run the tests
# make reliability   prove what RELIABILITY.md says, and write it anew (half an hour)
PYTHON ?= python3
PORT ?= 8501
HOST ?= 127.0.0.1
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: run test check screens reliability samples clean

run: $(VENV)/.app samples
	@echo "rsviz: http://$(HOST):$(PORT)   (stop with Ctrl+C)"
	@$(PY) -m streamlit run rsviz/views/server.py --server.address $(HOST) --server.allowedHosts $(HOST) --server.port $(PORT) --server.headless true

test: $(VENV)/.dev samples
	$(PY) -m pytest $(PYTEST_ARGS)

check: $(VENV)/.dev
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy rsviz/core rsviz/analysis rsviz/draw rsviz/io rsviz/jobs rsviz/views models/*/card.py

screens: $(VENV)/.dev samples
	$(PY) tests/e2e/screens.py

reliability: $(VENV)/.dev samples
	$(PY) tests/reliability/run.py $(PROOFS)

samples:
	@test -s sample_data/manifest.json || { echo "sample_data/manifest.json is missing: check out the repository again, or run: $(PY) sample_data/make.py"; exit 1; }

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "rsviz needs Python 3.11 or newer as '$(PYTHON)'; name another one with: make PYTHON=python3.12 run"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.app: requirements.txt | $(VENV)/bin/pip
	@echo "installing requirements.txt (once, a few minutes)"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(VENV)/bin/pip
	@echo "installing requirements-dev.txt (once, a few minutes)"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@# spikingjelly brings torchvision, which fits another build of torch and breaks torchmetrics
	@$(PY) -m pip uninstall --quiet --yes --disable-pip-version-check torchvision torchaudio
	@touch $(VENV)/.app $@

clean:
	rm -rf $(VENV) build .rsviz
