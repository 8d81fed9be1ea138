# Each recipe is a script of package.json; without just: npx -y bun run NAME

set positional-arguments

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

# Measure: `just bench ingest`, `memory`, `queue`, `pipeline`, `backlog`
bench *ARGS:
    bun run bench "$@"

# Build the image gpu-telemetry:COMMIT and gpu-telemetry:dev; BUN_IMAGE=… is another base
docker-build *ARGS:
    infra/scripts/docker-build.sh "$@"

# Twelve checks of a deployed system; `just system-test --help` says what it reads
system-test *ARGS:
    test/e2e/system-test.sh "$@"
