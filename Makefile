# Two commands do everything: `make repro` and `make test`. Each target sets up .venv once.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
OTHER := build/portability
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check -q
P ?= default

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export ORT_DISABLE_TELEMETRY := 1
# Images of containers often set it; then each of some hundred processes compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE

SHOW = echo; cat metrics/leaderboard.txt; echo; \
  echo "tables:  metrics/leaderboard.md"; echo "page:    plots/report/index.html"; echo "figures: plots/figures/, plots/contact/"; \
  echo "models:  metrics/zeroshot.md"; echo "heads:   metrics/fewshot.md"; echo "distil:  metrics/distillation.md"; echo "data:    data/raw/, data/reports/"; echo "compare: dvc metrics diff, dvc plots show, dvc exp run -S runs.supervised_t.epochs=20"

.PHONY: help setup repro report blog weights data speed package transfer-score ablation test slow check smoke smoke-baseline portability profile bench doctor docs clean
help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "error: $(PYTHON) is not Python 3.11, 3.12 or 3.13" >&2; \
	    echo "remedy: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 4; }
	@echo "setting up $(VENV) (a few minutes, once)"
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c requirements.txt "$$(grep -oE '^torch==[^ ]+' requirements.txt)"
	$(PIP) install --no-deps -r requirements.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY)  ## the virtual environment, nothing else

repro: setup     ## run the pipeline of params.yaml, print the leaderboard
	@thermark doctor --quiet
	dvc repro
	@$(SHOW)

report: setup    ## tables, plots and the page only
	dvc repro leaderboard page
	@$(SHOW)

# Not a stage: it names the commit. TEMPLATE=mine.md takes a post of your own.
blog: setup      ## a post from the results: text, figures, tables, exports, in plots/blog/
	python stages/blog.py --results metrics/results --comparisons metrics/comparisons.json --out plots/blog \
	  $(if $(TEMPLATE),--template $(TEMPLATE))

weights: setup   ## try again for weights that were not to be had
	dvc repro -s -f weights
	@echo "then: make repro"

data: setup      ## try again for data sets that were not to be had
	dvc repro -s -f fetch
	@echo "then: make repro"

speed: setup     ## time contestants, heads and students on this machine, then the pages that say so
	python stages/speed.py --params speed --contestants contestants --patience patience --scored scored \
	  --weights data/weights --exported data/exported --models data/models --faces data/faces --reports data/reports \
	  --frames data/frames --framed data/framed --out metrics/speed.json && dvc repro fewshot

RAW ?= data/raw/thermal_in_car
RUN ?= data/models/mcl_st
# Not a stage: for experiments. RUN="one another", RAW=<the data set's files>, MORE="--details --out scores.json".
transfer-score: setup ## score runs on a real camera in a minute: RUN=data/models/mine, RAW=folder
	python stages/transfer_score.py $(addprefix --run ,$(RUN)) --raw $(RAW) $(MORE)

PLAN ?= studies/transfer/ablation.yaml
KEPT = build/$(basename $(notdir $(PLAN)))
# Not a stage: hours. What is finished is kept in build/ablation (or as the plan is named); the same command goes on.
ablation: setup  ## what each part of the profile `transfer` brings on a real camera
	python stages/transfer_ablation.py --plan $(PLAN) --raw $(RAW) --work $(KEPT) --out $(KEPT)/table.md $(MORE)

# Two clones of what is committed: the second computes natively, with another number of threads, and shares DVC's cache.
portability: setup ## repeat the committed results in another arithmetic: which numbers stay in their intervals, which verdicts hold
	rm -rf $(OTHER) && git clone -q . $(OTHER)/base && git clone -q . $(OTHER)/native
	sed -i 's/^arithmetic: portable/arithmetic: native/' $(OTHER)/native/params.yaml
	cd $(OTHER)/native && dvc cache dir --local $(CURDIR)/.dvc/cache && \
	  PYTHONPATH=$$PWD/src OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 dvc repro
	python stages/portability.py --base $(OTHER)/base --base-arithmetic "portable, 2 threads" \
	  --other $(OTHER)/native --other-arithmetic "native, 1 thread" --details metrics/details --results metrics/results \
	  --pages metrics/comparisons.json metrics/distillation.json metrics/fewshot.json metrics/zeroshot.json --files metrics plots data/reports \
	  --out studies/$(P)

package: setup   ## copy data/packaged/$(P) into the Python package, as the weights of `from thermark import Landmarker`
	python stages/ship.py data/packaged/$(P)

test: setup      ## the fast tests
	pytest -m "not slow" -n 2 --dist loadfile

# Three workers on two cores: the miniature pipeline waits much for processes to start.
slow: setup      ## the slow tests, `smoke` among them
	pytest -m slow -n 3 --dist loadfile

check: setup     ## lint, format, types
	ruff check .
	ruff format --check .
	mypy

smoke: setup     ## the whole pipeline in miniature, in a copy of the tree
	pytest -m slow tests/pipeline/test_smoke.py

smoke-baseline: setup ## renew the results that every smoke run is compared with
	rm -rf build/smoke && git clone -q . build/smoke
	cd build/smoke && export PYTHONPATH=$$PWD/src && thermark profile smoke && dvc repro
	rm -rf tests/golden/smoke && cp -r build/smoke/metrics/results tests/golden/smoke

profile: setup   ## merge profiles/$(P).yaml into the default, as params.yaml
	thermark profile $(P)

bench: setup     ## inner loops against the naive way (default profile)
	dvc repro -q prepare@tfake
	python benchmarks/render.py
	python benchmarks/packing.py data/faces/tfake
	python benchmarks/scale.py --ids 300
	python benchmarks/bootstrap.py
	test ! -e src/thermark/landmarker/weights/card.json || python benchmarks/landmarker.py
	python benchmarks/training.py
	python benchmarks/distillation.py
	python benchmarks/distillation.py --teacher m --student m --pixels 256 --batch 16 --steps 3
	dvc repro -q weights
	python benchmarks/facemesh.py data/weights/mediapipe_wheel
	python benchmarks/head.py
	python benchmarks/pose.py
	python benchmarks/cascade.py
	python benchmarks/transformers_pose.py

# Sphinx has an environment of its own: nothing else needs it, and its pins need not agree with ours.
docs: setup      ## these pages as a site, in build/docs; a broken link fails
	@test build/docs-venv/.ready -nt docs/requirements.txt || { $(PYTHON) -m venv build/docs-venv && \
	  build/docs-venv/bin/python -m pip --disable-pip-version-check -q install --no-deps -r docs/requirements.txt && \
	  touch build/docs-venv/.ready; }
	python docs/reference.py --python
	build/docs-venv/bin/python -m sphinx -q -W --keep-going -n -d build/doctrees docs build/docs
	@echo "site: build/docs/index.html"

doctor: setup    ## is this machine fit?
	thermark doctor

clean:           ## remove the virtual environment; data and caches stay
	rm -rf $(VENV)
