# Each recipe is a script of package.json; without just: npx -y bun run NAME

set positional-arguments

# Paths are relative to where the command was typed.
export INVOKED_IN := invocation_directory()

_default:
    @just --list --unsorted

# Serve the sample fleet on http://localhost:8080
start:
    bun run start

# Run every test, or the files named
test *ARGS:
    bun run test "$@"

# Run the tests, or the files named, and write coverage.html
cover *ARGS:
    bun run cover "$@"

# Format, lint, layers, types, dead code
check:
    bun run check

# Print what follows from the code into schema/generated
generate:
    bun run generate

# Print the REST API: schema/generated/openapi.json and openapi.yaml
openapi:
    bun run openapi

# Simulate a fleet: data/sample.csv.gz, or see `just sample --help`
sample *ARGS:
    bun run sample "$@"

# Measure: `just bench api`, `live`, `ingest`, `memory`, `queue`, `pipeline`, `backlog`
bench *ARGS:
    bun run bench "$@"

# Create or update a kind cluster with everything in it, on http://localhost:8080: `just up [CSV=path] [PORT=…]`, or see `just up --help`
up *ARGS:
    @bun run --silent up "$@"

# Delete the kind cluster and everything in it
down *ARGS:
    @bun run --silent down "$@"

# Build, push and install on an existing cluster: `just deploy REGISTRY=… TAG=…`, or see `just deploy --help`
deploy *ARGS:
    @bun run --silent deploy "$@"

# Show the state of the cluster, the release, its pods and its API
status *ARGS:
    @bun run --silent status "$@"

# What the pods say: `just logs collector --follow`, or see `just logs --help`
logs *ARGS:
    @bun run --silent logs "$@"

# Build the image gpu-telemetry:COMMIT and gpu-telemetry:dev; BUN_IMAGE=… is another base
docker-build *ARGS:
    infra/scripts/docker-build.sh "$@"

# Print what follows from the chart's values.yaml: its schema and its README's tables
chart:
    bun run chart

# Print the raw manifests of infra/k8s from the chart; needs helm
k8s:
    bun run k8s

# Twelve checks of a deployed system; `just system-test --help` says what it reads
system-test *ARGS:
    test/e2e/system-test.sh "$@"
