# `make train` and `make test` are all there is to know; both install what they need first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: train test slow lint clean

train: .venv/installed
	$(BIN)/python -m training.fit --model clsgan

test: .venv/installed lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 25

# The long tests, as many as begin within this time; those left out are named.
DEADLINE ?= 900
slow: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m slow -rs --deadline $(DEADLINE)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/installed: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf .venv runs build *.egg-info
