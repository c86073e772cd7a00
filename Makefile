# These commands do everything on a fresh machine with git, make and Python 3.11 or newer:
#   make report    environment, installation, configs/quickstart.yaml, and where its report is
#   make test      environment, installation, tests
#   make bench     environment, installation, the quick part of the benchmarks (beside ART, foolbox and torchattacks)
PYTHON ?= python3
BIN := .venv/bin
# A user's environment must come from the package index alone, so wheels that happen to lie on a machine are not taken.
UV := env -u PIP_FIND_LINKS -u UV_FIND_LINKS VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --compile-bytecode

BENCHMARKS := attack_speed pipeline_speed scaling cost_model statistics_speed generators quickstart

.PHONY: help report test faults lint docs matrix bench clean

help:
	@sed -n 's/^#  *make /make /p' Makefile

# Under out/, which git ignores: the reports in reports/ are the committed ones.
report: .venv/.run
	$(BIN)/robustgan run quickstart --out out --workers 0
	@echo "Open out/reports/quickstart/report.html in a browser."

test: .venv/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

# The whole fault suite, its long half too, which CI leaves out: some 150 kills, about ten minutes.
faults: .venv/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/faults -m "faults or not faults" $(ARGS)

lint: .venv/.dev
	$(BIN)/tox run -e lint,type,imports

docs: .venv/.docs
	PYTHONPATH=. NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "Open out/site/index.html in a browser."

matrix: .venv/.dev
	$(BIN)/tox run

# The quick part of every benchmark, in some minutes; tables go to out/benchmarks. Full ones: python -m benchmarks.NAME
bench: .venv/.bench
	@start=$$(date +%s); for name in $(BENCHMARKS); do \
	  echo "python -m benchmarks.$$name --quick"; \
	  OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.$$name --quick || exit 1; \
	done; spent=$$(($$(date +%s) - start)); \
	echo "Tables are in out/benchmarks. All of it took $$((spent / 60)) min $$((spent % 60)) s."

clean:
	rm -rf .venv .tox out runs dist

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "robustgan needs Python 3.11 or newer; found `$(PYTHON) --version`. Try: make PYTHON=python3.12 report"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

.venv/.run: .venv/.python pyproject.toml
	@echo "Installing robustgan and what it needs (torch is large; a minute or a few)..."
	$(UV) --editable .
	@touch $@

.venv/.test: .venv/.run
	$(UV) --editable . --group test
	@touch $@

# foolbox and torchattacks, which are raced; CI does not need them.
.venv/.bench: .venv/.run
	$(UV) --editable . --group parity
	@touch $@

.venv/.docs: .venv/.run
	$(UV) --group docs
	@touch $@

.venv/.dev: .venv/.test
	$(UV) --editable . --group dev
	@touch $@
