# Builds electrs from crates.io against the system's RocksDB. Sourced by ci/setup.
# shellcheck shell=bash

# 0.12.0 doesn't compile against Debian 12's RocksDB 7.8.3.
ELECTRS_VERSION=0.10.10
ELECTRS_WAY_OUT="Another way: set ELECTRS_EXE to an electrs of your own (romanz/electrs, best in this version)."

obtain_electrs() {
  local started=$SECONDS
  # clang tells bindgen where the C headers are.
  ensure_packages electrs "$ELECTRS_WAY_OUT" librocksdb-dev clang libclang-dev
  say "electrs: building $ELECTRS_VERSION, two to five minutes on two cores (log: $CACHE/logs/electrs.log)."
  new_stage
  logged electrs build_electrs "$STAGE" ||
    die "electrs: could not be built. $ELECTRS_WAY_OUT"
  version_of "$STAGE/bin/electrs" >/dev/null ||
    die "electrs: was built, but '$STAGE/bin/electrs --version' fails. $ELECTRS_WAY_OUT"
  mv "$STAGE/bin/electrs" "$CACHE/bin/electrs"
  rm -rf "$STAGE" "$CACHE/electrs-target"
  say "electrs: built in $(duration $((SECONDS - started)))."
}

# The target folder is kept until the build is through, so that an interrupted one goes on where it
# was. Built from within the cache: this repository's cargo configuration is for its own crates.
build_electrs() {
  local libraries
  libraries=$(dpkg -L librocksdb-dev | sed -n 's|/librocksdb\.so$||p')
  [[ -n $libraries ]] && cd "$CACHE" || return 1
  # With these two set, librocksdb-sys links the system's library instead of compiling its own copy,
  # which takes five times as long.
  ROCKSDB_INCLUDE_DIR=/usr/include ROCKSDB_LIB_DIR=$libraries \
    cargo install electrs --version "$ELECTRS_VERSION" --locked \
    --root "$1" --no-track --target-dir "$CACHE/electrs-target"
}
