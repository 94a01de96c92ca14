# What every script in ci/ shares. Sourced, never run: `. "$(dirname "$0")/lib/common.sh"`.
# shellcheck shell=bash

# Messages go to stderr: stdout belongs to what a script was asked for (`ci/setup --env`, the
# harness's own output).
say() { printf '%s\n' "$*" >&2; }

die() {
  say "$@"
  exit 1
}

# A relative path in the environment means a path seen from where the caller stands; it has to be
# settled before the scripts change to the repository's root.
make_absolute() {
  local name value
  for name; do
    value=${!name-}
    if [[ -n $value && $value != /* ]]; then
      export "$name=$PWD/$value"
    fi
  done
}

enter_repository() {
  make_absolute CARGO_TARGET_DIR LSPS1_CACHE_DIR
  # A name without a slash is looked up on PATH, so only a path is made absolute.
  [[ ${BITCOIND_EXE-} != */* ]] || make_absolute BITCOIND_EXE
  [[ ${ELECTRS_EXE-} != */* ]] || make_absolute ELECTRS_EXE
  cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." || exit
}

# The crate `lsps1-fixtures` looks in the same place: change both or neither.
cache_folder() {
  if [[ -n ${LSPS1_CACHE_DIR-} ]]; then
    printf '%s\n' "${LSPS1_CACHE_DIR%/}"
  elif [[ ${XDG_CACHE_HOME-} == /* ]]; then # the XDG specification has relative ones ignored
    printf '%s\n' "$XDG_CACHE_HOME/lsps1-conformance"
  elif [[ -n ${HOME-} ]]; then
    printf '%s\n' "$HOME/.cache/lsps1-conformance"
  else
    die "No place for a cache: set LSPS1_CACHE_DIR (or HOME)."
  fi
}

duration() {
  local seconds=$1
  if ((seconds < 60)); then
    printf '%d s' "$seconds"
  else
    printf '%d min %02d s' $((seconds / 60)) $((seconds % 60))
  fi
}

# Where cargo puts what it builds: CARGO_TARGET_DIR, a setting in cargo's configuration, or target/.
cargo_target_folder() {
  cargo metadata --no-deps --locked --format-version 1 |
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# binaries_folder PROFILE: under the repository's own target/ a short path, as it would be typed.
binaries_folder() {
  local folder
  folder=$(cargo_target_folder)/$1
  printf '%s\n' "${folder#"$PWD"/}"
}

# Obtains what the scripts need and exports BITCOIND_EXE and ELECTRS_EXE.
run_setup() {
  local exports
  exports=$(ci/setup --env) || return
  eval "$exports"
}
