# Recipes for people who have `just`; each is one command that also works alone.

# List the recipes.
default:
    @just --list

# Format and lint.
lint:
    cargo fmt
    cargo clippy --release --all-targets -- -D warnings

# Run the tests.
test:
    cargo test --release

# Run everything that a change must pass.
ci:
    .ci/run

# Measure the throughput of the dragged bead.
bench:
    cargo bench --bench dragged_bead
