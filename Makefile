# Python 3.10 to 3.14 with venv, make and the package registries are enough: each target installs what it needs, in .venv.
# Nothing depends on an activated environment or a sourced ROS 2. Settings: PYTHON=python3.12, ARGS="-k sigmoid".

PYTHON ?= python3
ARGS ?=
MEASURE :=
export PYTHON

# The environment's own ROS 2, not one that the caller sourced; its wheels set the library path themselves.
unexport PYTHONPATH PYTHONHOME LD_LIBRARY_PATH COLCON_PREFIX_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
export AMENT_PREFIX_PATH := $(CURDIR)/.venv
export RMW_IMPLEMENTATION := rmw_fastrtps_cpp

.DEFAULT_GOAL := help
.PHONY: help demo test coverage forget check parity evaluate bench examples lock clean

# These tests share nothing, and several may run at a time. All others use DDS, a terminal or the whole machine.
SHARE_NOTHING := $(wildcard $(addprefix test/,bags examples features $(patsubst %,labelling/test_%.py,clock document opinion scene store) model networks nn sensing training) \
    $(patsubst %,test/test_%.py,api architecture bench cli cli_arrays command docs docs_scenario docs_tables documents evaluate \
    files labels_command pipeline progress sections table))
# Tracing would double the time of these, which the robot does not run.
UNMEASURED := $(wildcard test/simulation)

help:  ## say what there is
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' Makefile | expand -t 16

demo: .venv/.package  ## simulate, train, drive live over DDS, and compare live with offline
	@.venv/bin/python -m obstacle_classifier.demo $(ARGS)

test: .venv/.package .venv-numpy1/.requirements  ## every test, then those of run-time code on NumPy 1.26.4
ifeq ($(ARGS),)
	.venv/bin/python -m pytest --numprocesses auto --dist worksteal $(UNMEASURED)
	.venv/bin/python -m $(MEASURE) pytest --numprocesses auto --dist worksteal $(SHARE_NOTHING)
	.venv/bin/python -m $(MEASURE) pytest $(addprefix --ignore=,$(SHARE_NOTHING) $(UNMEASURED))
else
	.venv/bin/python -m $(MEASURE) pytest $(ARGS)
endif
	@if [ -s .venv-numpy1/.requirements ]; then cat .venv-numpy1/.requirements; \
	else set -x; .venv-numpy1/bin/python -m pytest -m runtime $(ARGS); fi

coverage: MEASURE := coverage run -m
coverage: forget test  ## test, and write the coverage to QUALITY_DECLARATION.md
	@.venv/bin/python -m benchmarks.measure_coverage

forget:
	@rm -f .coverage .coverage.*

check: .venv/.requirements  ## ruff and mypy
	.venv/bin/python -m ruff check
	.venv/bin/python -m ruff format --check
	.venv/bin/python -m mypy

parity: .venv/.package  ## the node, over DDS, against features and predict, on all recordings
	.venv/bin/python -m pytest test/test_parity.py -m "parity or not parity" --all-bags $(ARGS)

evaluate: .venv/.package  ## scores on unseen bags beside scikit-learn's
	@.venv/bin/python -m benchmarks.evaluate $(ARGS)

bench: .venv/.package .venv-bench/.requirements  ## time and CPU beside onnxruntime, PyTorch, rosbags and rclpy
	@.venv/bin/python -m benchmarks.bench $(ARGS)

examples: .venv/.package  ## small networks on public data, in full; plots and probabilities go to out/
	@for name in iris digits names cost_of_time; do \
	    echo "== $$name"; OPENBLAS_NUM_THREADS=1 .venv/bin/python -m examples.$$name || exit 1; done

lock: .venv-lock/.requirements  ## pin the requirements anew; ARGS=--upgrade takes the newest versions
	@PATH="$(CURDIR)/.venv-lock/bin:$$PATH" requirements/lock.sh $(ARGS)

clean:  ## remove the environments and whatever else was made
	rm -rf .venv .venv-* build install log out *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/.requirements: requirements/build.txt requirements/run.txt requirements/offline.txt requirements/test.txt
	@requirements/install.sh .venv 14 build run offline test

# The modules stay here. The commands go to .venv/bin; launch files, configuration, documents and the ament marker to
# .venv/share.
.venv/.package: .venv/.requirements package.xml setup.py setup.cfg $(shell find launch config docs resource -type f)
	@echo ".venv: installing obstacle_classifier"
	@.venv/bin/python -m pip install --quiet --quiet --no-build-isolation --no-index --no-deps --editable .
	@.venv/bin/python -W ignore setup.py --quiet install_data --install-dir .venv
	@touch $@

# Ubuntu 24.04's versions. NumPy 1.26.4 has wheels for Python 3.10 to 3.12 only.
.venv-numpy1/.requirements: requirements/build.txt requirements/numpy1.txt
	@requirements/install.sh .venv-numpy1 12 build numpy1 || { [ $$? = 3 ] && rm -rf .venv-numpy1 && mkdir .venv-numpy1 \
	    && echo "NOT tested on NumPy 1.26.4: no Python 3.10 to 3.12 was found" > $@; }

# Python 3.10 to 3.12, as PyTorch and onnxruntime have wheels for them.
.venv-bench/.requirements: requirements/bench.txt
	@requirements/install.sh .venv-bench 12 bench

.venv-lock/.requirements: requirements/lock.txt
	@requirements/install.sh .venv-lock 14 lock
