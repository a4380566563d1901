# Each command sets up what it needs in .venv, once; nothing else is done by hand.

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin

.PHONY: demo test lint format docs bench wheel clean

demo: $(VENV)/for-demo  ## a model of a real table, and its reasons; then two nodes by hand
	mkdir -p demo
	$(BIN)/python examples/wine_table.py demo/wine.csv
	$(BIN)/whygrad train dense:16:tanh,dense:3 demo/wine.csv --target cultivar --save demo/wine.safetensors --patience 5
	$(BIN)/whygrad predict demo/wine.safetensors demo/wine.csv --out demo/predictions.csv
	head -n 3 demo/predictions.csv
	$(BIN)/whygrad why demo/wine.safetensors 'w1[0,2]' --data demo/wine.csv
	$(BIN)/whygrad why demo/wine.safetensors 'w1[0,2]' --data demo/wine.csv --step 40
	$(BIN)/whygrad derive demo/wine.safetensors
	$(BIN)/whygrad tour

test: $(VENV)/for-test  ## all tests; a warning is an error
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/for-test  ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/for-test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/for-test  ## the output shown in the documents, written anew
	$(BIN)/python -m tests.docs.update

bench: $(VENV)/for-bench  ## speed beside PyTorch, JAX and scikit-learn; half an hour, on an idle machine
	$(BIN)/python -m benchmarks

wheel: $(VENV)/for-test  ## into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) demo dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp says which extras are installed; it is made again when pyproject.toml changes.
$(VENV)/for-demo: EXTRAS = sklearn
$(VENV)/for-test: EXTRAS = dev
$(VENV)/for-bench: EXTRAS = jax,sklearn,torch
$(VENV)/for-%: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[$(EXTRAS)]"
	touch $@
