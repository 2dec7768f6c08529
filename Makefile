# `make train` and `make test` are all there is to know; both install what they need first.
PYTHON ?= python3
BIN := .venv/bin

# An installation into the environment of another checkout would replace that checkout's package.
REFUSE_LINK = @test ! -L .venv || \
	{ echo "error: .venv is a link. Remove the link, and make creates .venv here." >&2; exit 2; }

.PHONY: train test slow docs lint clean

train: .venv/installed
	$(BIN)/python -m training.fit --model clsgan

test: .venv/installed lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 25

# The long tests: as many as begin within this time. Those left out are named; `make slow` again
# continues with them.
DEADLINE ?= 900
slow: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m slow -rs \
		--deadline $(DEADLINE) --passed .pytest_cache/passed_long_tests

# Builds the documentation into build/docs; any warning, such as a dead link, is an error.
docs: .venv/installed
	$(REFUSE_LINK)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q docs build/docs

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/installed: setup.cfg constraints.txt
	$(REFUSE_LINK)
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf .venv runs build *.egg-info
