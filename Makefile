# make demo   the whole life cycle on toy songs, with embedded models      make test   the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
REAL := $(VENV)/real
SITE := $(VENV)/site
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist loadfile
LIFE_CYCLE := tests/flows/test_lifecycle.py
DEPLOYMENTS := tests/flows/test_deployments.py

# Several hundred modules of this project would be compiled anew by every command, worker and test that starts.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test smoke slow bench-check docs lint clean setup real

setup: $(READY)

real: $(REAL)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile -r requirements.lock
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true  # on all cores; some files are for other Pythons
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

$(REAL): requirements.real.lock $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements.real.lock
	touch $(REAL)

$(SITE): requirements.docs.lock $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements.docs.lock
	touch $(SITE)

demo: $(READY)
	$(BIN)/jam toy
	$(BIN)/jam run
	@echo "Next, with songs of your own: . $(BIN)/activate && jam run --songs DIR --work W --plan"

test: $(REAL)
	$(BIN)/python -m pytest -m "not slow" $(SIDE_BY_SIDE)

smoke: $(REAL)
	mkdir -p build
	$(BIN)/python -m pytest -m slow $(LIFE_CYCLE) --basetemp=build/smoke

slow: $(REAL) $(SITE)
	$(BIN)/python -m pytest -m slow $(SIDE_BY_SIDE) --durations=15 --ignore=$(LIFE_CYCLE) --ignore=$(DEPLOYMENTS)
	$(BIN)/python -m pytest -m slow $(DEPLOYMENTS)

bench-check: $(REAL)
	$(BIN)/python bench/check.py --out build

docs: $(SITE)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo "build/site/index.html"

lint: $(REAL)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
