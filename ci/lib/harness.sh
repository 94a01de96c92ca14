# Running the harness from a script: built first, interrupted with the script, nothing left behind.
# Sourced after common.sh. Each run has a mark, run_id, in the environment of all that it starts.
# shellcheck shell=bash

# build PROFILE PACKAGE...: the programs of these packages.
build() {
  local profile=$1 package packages=() flags=() started=$SECONDS
  shift
  for package; do packages+=(--package "$package" --bin "$package"); done
  [[ $profile != release ]] || flags=(--release)
  say "Building $* ($profile)."
  cargo build --locked "${flags[@]}" "${packages[@]}"
  say "Built in $(duration $((SECONDS - started)))."
}

# The command as it could be typed, quoted only where it has to be.
quoted() {
  local word words=()
  for word; do
    if [[ $word =~ ^[A-Za-z0-9_./=-]+$ ]]; then words+=("$word"); else words+=("${word@Q}"); fi
  done
  printf '%s\n' "${words[*]}"
}

# run_harness COMMAND...: in the background and waited for, so that a signal to this script reaches the
# harness at once (a foreground child would have to end first); the harness then ends everything that it
# started. Returns the harness's status; 70 is its own for a fault of its own.
run_harness() {
  local harness status=0
  run_id=$$-$(date +%s%N)
  say "Running: $(quoted "$@")"
  LSPS1_SCRIPT_RUN=$run_id "$@" </dev/null &
  harness=$!
  trap 'kill -TERM "$harness" 2>/dev/null || true' INT TERM
  wait_for "$harness" || status=$?
  end_leftovers || ((status != 0)) || status=70
  return "$status"
}

# wait returns early when a trapped signal arrives; the harness is waited for all the same.
wait_for() {
  local status=0
  while true; do
    status=0
    wait "$1" || status=$?
    kill -0 "$1" 2>/dev/null || return "$status"
  done
}

# Whatever still carries this run's mark in its environment: found so because a bitcoind that was
# started through a loader goes by another name. There are none unless the harness was killed.
leftover_processes() {
  local environment pid
  for environment in /proc/[0-9]*/environ; do
    if grep -qz "^LSPS1_SCRIPT_RUN=$run_id\$" "$environment" 2>/dev/null; then
      pid=${environment#/proc/}
      printf '%s\n' "${pid%/environ}"
    fi
  done
}

end_leftovers() {
  local pid pids
  mapfile -t pids < <(leftover_processes)
  ((${#pids[@]} > 0)) || return 0
  say "The harness left processes behind, which is a fault of its own; ending them:"
  for pid in "${pids[@]}"; do
    say "  $pid $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || true)"
    kill -KILL "$pid" 2>/dev/null || true
  done
  return 1
}
