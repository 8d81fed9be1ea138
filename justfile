# Each recipe is a script of package.json. Without just: npx -y bun run NAME

set positional-arguments

# Relative paths in arguments start at the folder where the command was typed.
export INVOKED_IN := invocation_directory()

_default:
    @just --list --unsorted

# Serve the sample fleet on http://localhost:8080
start:
    bun run start

# Store CSV files at full speed, then print a summary: `just ingest exports/*.csv`
ingest *ARGS:
    bun run ingest "$@"

# Write the readings of the store to a file: `just export night.csv.zst --namespace research --start_time now-1d`
export *ARGS:
    bun run export "$@"

# Run all tests, or only the named files
test *ARGS:
    bun run test "$@"

# Run all tests, or only the named files, and write coverage.html
cover *ARGS:
    bun run cover "$@"

# Check format, lint, layers, types and dead code
check:
    bun run check

# Generate the schemas, the supergraph and the OpenAPI description in schema/generated
generate:
    bun run generate

# Generate the description of the REST API: schema/generated/openapi.json and openapi.yaml
openapi:
    bun run openapi

# Simulate a fleet: data/sample.csv.gz, or see `just sample --help`
sample *ARGS:
    bun run sample "$@"

# Simulate a fleet that is shared, broken and mended, with a ledger of the truth: see `just fleet --help`
fleet *ARGS:
    bun run fleet "$@"

# Measure: `just bench abuse`, `api`, `live`, `ingest`, `memory`, `queue`, `pipeline`, `backlog`
bench *ARGS:
    bun run bench "$@"

# Create or update a kind cluster with everything in it, on http://localhost:8080: `just up [CSV=path] [SCRAPE=fleet] [PORT=…]`, or see `just up --help`
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

# Print the logs of pods: `just logs collector --follow`, or see `just logs --help`
logs *ARGS:
    @bun run --silent logs "$@"

# Build the image gpu-telemetry:COMMIT, also tagged dev; BUN_IMAGE=… chooses another base image
docker-build *ARGS:
    @bun run --silent docker-build "$@"

# Generate the chart's schema and the tables of its README from values.yaml
chart:
    bun run chart

# Render the chart into the raw manifests of infra/k8s; needs helm
k8s:
    bun run k8s

# Run twelve checks of a deployed system: see `just system-test --help`
system-test *ARGS:
    @bun run --silent system-test "$@"
