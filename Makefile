# make study | test | faults | lint | report | install; each works from a bare clone.
PYTHON ?= python3
BIN := .venv/bin
THEIRS := $(PATH)
# Snakemake and the rules find this environment first.
export PATH := $(CURDIR)/$(BIN):$(PATH)
STUDY ?= config/article.yaml
# What these print is to be typed in a shell that may not know the environment.
study report: export PATH := $(THEIRS)

.PHONY: study test faults lint style report gallery docs install install-test install-docs benchmark clean

study: install  ## run the default study (or STUDY=file) and say where the report is
	$(BIN)/snakemake --cores all --resources gpu=4 --config study=$(STUDY)
	@$(BIN)/evenhand watch --once $(STUDY) | tail -n 1

report: install  ## draw the committed study again; nothing is trained
	$(BIN)/snakemake --cores all --forcerun collect --config results=results/reference cached=true

gallery: install  ## run the studies of config/gallery and of README.md; write docs/gallery.md and what README.md prints
	python -m benchmarks.gallery

docs: install-docs  ## the pages of README.md and docs/ as a site, docs/_build/index.html; any warning is an error
	sphinx-build --quiet --fail-on-warning --keep-going --fresh-env --write-all -c docs . docs/_build
	@echo "The site: docs/_build/index.html"

test: style  ## linters and all tests; mypy takes one core for half a minute, and the tests go on beside it
	@mypy & types=$$!; pytest -n 4; tests=$$?; wait $$types && exit $$tests

faults: install-test  ## the whole campaign of faults; prints the table of docs/reliability.md
	python -m tests.faults --minutes 28

lint: style  ## all linters
	mypy

style: install-test
	ruff format --check
	ruff check
	snakefmt --check Snakefile workflow study/project/template/Snakefile

benchmark: install  ## side by side with a plain training loop; prints ratios, and how often verdicts are false
	python -m benchmarks.training
	python -m benchmarks.planning
	python -m benchmarks.studies
	python -m benchmarks.report
	python -m benchmarks.verdicts --studies 100
	python -m benchmarks.retuning

install:
	@$(call installed,.,)

install-test:
	@$(call installed,.[test],-test) && cp .venv/installed-test .venv/installed

install-docs:
	@$(call installed,.[docs],-docs)

# $(1): what pip installs, $(2): the name of its mark. The mark holds a checksum of the contents of pyproject and
# constraints, so that nothing is installed, and no network is needed, until one of them changes. All cores
# compile what was installed, but for the tests of others, in half the time that pip takes.
define installed
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Evenhand needs Python 3.11 or newer; set PYTHON=python3.x")' && \
	sum=$$(cat pyproject.toml constraints.txt | cksum) && \
	if [ "$$(cat .venv/installed$(2) 2>/dev/null)" != "$$sum" ]; then \
		{ [ -x $(BIN)/python ] || $(PYTHON) -m venv .venv; } && \
		echo "installing into .venv/ (once)" && \
		$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt torch -e '$(1)' && \
		{ $(BIN)/python -m compileall -q -j 0 -x '/(tests|testing)/' .venv/lib || true; } && \
		echo "$$sum" > .venv/installed$(2); \
	fi
endef

clean:
	rm -rf .venv .snakemake
