# Nothing is needed but go, gcc, make and a shell.

GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# make run ARGS='--server ./a.out', make race PKG=./harness/..., make fuzz FUZZTIME=100000x
ARGS     =
PKG      = ./...
FUZZTIME = 3000x

.PHONY: run test race lint bench generate fuzz build clean help

run: ## judge the reference programs: all claims
	go run ./harness/cmd/ipckit run $(ARGS)

test: ## go vet, and every test
	go vet $(PKG)
	go test -timeout 10m $(PKG)

race: ## every test under the race detector
	go test -race -timeout 15m $(PKG)

lint: ## golangci-lint, at its pinned version
	go run $(GOLANGCI) run

bench: ## how fast a cage opens, a scenario is recorded and a run is judged
	go test -run '^$$' -bench . -benchmem -timeout 15m ./harness/sandbox ./harness/recorder ./harness/judge ./specs

generate: ## make the generated files again
	go generate ./...

fuzz: ## every fuzz target, FUZZTIME runs (a count: a time can end as an error)
	@list=$$(mktemp) && trap 'rm -f "$$list"' EXIT && \
	go test -list '^Fuzz' $(PKG) >"$$list" && \
	awk '/^Fuzz/ { name[n++] = $$1 } /^ok/ { while (i < n) print $$2, name[i++] }' "$$list" | ( \
	count=0; while read -r package target; do \
		echo "fuzz $$package $$target"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" </dev/null || exit 1; \
		count=$$((count + 1)); \
	done; \
	echo "$$count fuzz targets"; test $$count -gt 0 )

build: ## the static binary bin/ipckit
	CGO_ENABLED=0 go build -trimpath -o bin/ipckit ./harness/cmd/ipckit

clean: ## take away what the other targets made
	rm -rf bin

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
