# Thin wrappers; each recipe is a command that can be typed as it is. `just` comes from `cargo install just`.

# The whole path in one command: reference figures in, dependence and alerts out.
demo:
    cargo run --release -- demo

# Draws docs/demo.svg anew from what the demo prints.
picture:
    cargo run --release --quiet -- demo --color always | scripts/picture

# All services in one process on the embedded log in ./orewatch-data.
up *ARGS:
    cargo run --release -- up {{ARGS}}

# Prepares what the tests need and runs all of them.
test *ARGS:
    scripts/test {{ARGS}}

# Formatting, clippy, contracts, dependencies.
lint:
    scripts/prepare
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    .tools/bin/buf lint proto
    cargo deny --locked check bans licenses sources

# The documentation of every crate, in target/doc.
doc:
    RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace --locked

# Ingestion to durable log and figures, beside DuckDB that only adds the same file up. Takes paths of BACI files, or makes them;
# with `--log nats` also on JetStream, beside the same bytes published alone.
bench-ingest *ARGS:
    scripts/bench {{ARGS}}

# One changed figure at a time through a market's ledger, beside a Python dict, Bytewax and DuckDB.
bench-ledger *ARGS:
    scripts/prepare scripts/requirements-bench.txt
    cargo bench --profile dist --quiet --locked --workspace --bench ledger -- {{ARGS}}

# The look-through of 2,610 markets of which 4.6 % and 18 % of all pairs trade, beside scipy's sparse LU and LAPACK on the same systems.
bench-lookthrough *ARGS:
    scripts/prepare scripts/requirements-bench.txt
    cargo bench --profile dist --quiet --locked --workspace --bench lookthrough -- {{ARGS}}

# Ten thousand draws of 300 projects over 17 years, beside numpy on the same projects.
bench-outlook *ARGS:
    scripts/prepare scripts/requirements-bench.txt
    cargo bench --profile dist --quiet --locked --workspace --bench outlook -- {{ARGS}}

# Alerting: what a commit costs to evaluate, latency to a subscriber on both logs, telling, restarts, and the same beside Prometheus
# and Alertmanager where they are on the path (Debian: prometheus, prometheus-alertmanager). Takes names of parts and sizes.
bench-alerting *ARGS:
    scripts/prepare
    PATH="$PWD/.tools/bin:$PATH" cargo bench --profile dist --quiet --locked --workspace --bench alerting -- {{ARGS}}

# Starts of services on ten million rows (`--rows N`): folding the log, writing a snapshot, starting from it.
bench-restart *ARGS:
    cargo bench --profile dist --quiet --locked --workspace --bench restart -- {{ARGS}}

# One process under load: 64 connections that ask a mix of questions, 500 watchers of which half do not read, commits beside;
# `--seconds N` for a short one. Prints times, errors and memory, and fails beyond the memory of a pod.
load *ARGS:
    cargo bench --profile dist --quiet --locked --workspace --bench load -- {{ARGS}}

# Records additions to the contracts in the snapshot that the tests compare with.
promise:
    UPDATE_SNAPSHOT=1 cargo test -p orewatch-contracts --test evolution

# Writes contracts/ anew: AsyncAPI document, JSON Schemas and samples.
artefacts:
    UPDATE_SNAPSHOT=1 cargo test -p orewatch-contracts --test artefacts

# Renders the manifests of the cluster.
manifests:
    kubectl kustomize deploy/base

# Writes the reference tables anew from the publishers' files; crates/catalog/reference/README.md names them.
reference *ARGS:
    cargo run --release -p orewatch-catalog --example reference -- {{ARGS}}

# The same for world production, from the Mineral Commodity Summaries of 2025 and 2026.
reference-production OLDER NEWER:
    cargo run --release -p orewatch-formats --example production -- {{OLDER}} {{NEWER}}

# Records the logs and answers of this commit, to which every later version is held; tests/recorded/README.md says when.
record FOLDER:
    cargo run -p orewatch-tests --example record -- {{FOLDER}}

# Hostile content for one parser, for some seconds: any, baci, tidy, trade, usgs, governance, restrictions, parquet, containers.
# `cargo install --locked cargo-fuzz` brings the tool; the toolchain of the workspace does, with the sanitizer's flag unlocked. What is
# found on the way stays in fuzz/target; the seeds in fuzz/corpus are written by hand, and stay few. Leaks are not looked for: what the
# standard library's channels keep for each thread looks like one, and safe code has no others.
fuzz TARGET SECONDS="60":
    mkdir -p fuzz/target/found/{{TARGET}}
    RUSTC_BOOTSTRAP=1 cargo fuzz run {{TARGET}} fuzz/target/found/{{TARGET}} fuzz/corpus/{{TARGET}} -- -max_total_time={{SECONDS}} -max_len=4096 -detect_leaks=0

# The same for every parser, one after another.
fuzz-all SECONDS="600":
    for target in $(cargo fuzz list); do just fuzz $target {{SECONDS}} || exit 1; done

# Made-up messages for every method of the contracts, while health is asked: no panic, no silence, no fault of the service's own.
surface SECONDS="600" *SEED:
    cargo build --profile dist --quiet --locked --workspace --example surface
    target/dist/examples/surface {{SECONDS}} {{SEED}}

# Everything that takes too long for every change; writes tests/CHECKED.md, which is to be committed.
check-all SECONDS="600":
    scripts/check-all {{SECONDS}}
