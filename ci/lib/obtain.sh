# What obtaining bitcoind and obtaining electrs have in common. Sourced by ci/setup, which sets CACHE.
# shellcheck shell=bash

# A program counts only if it runs: prints the first line that it says about its version.
version_of() {
  local output
  output=$("$1" --version 2>&1) && [[ -n $output ]] && printf '%s\n' "${output%%$'\n'*}"
}

# Runs a long step with its output in a log; shows the end of the log when the step fails.
# The lock (9) isn't passed on: a daemon that a build leaves behind would keep it for ever.
logged() {
  local log=$CACHE/logs/$1.log status=0
  shift
  mkdir -p "$CACHE/logs"
  "$@" >"$log" 2>&1 9>&- </dev/null || status=$?
  if ((status != 0)); then
    say "That failed. The last lines of $log:"
    tail -n 20 "$log" | sed 's/^/  | /' >&2
  fi
  return "$status"
}

# Everything is made in here and moved to its place when it is complete and was seen to work, so
# that an interrupted run leaves nothing that the next one takes for good.
# shellcheck disable=SC2034 # used by those who source this
new_stage() { STAGE=$(mktemp -d "$CACHE/stage.XXXXXX"); }

# What killed runs left behind. Only under the lock: there can be no other run's stage then.
remove_old_stages() { rm -rf "$CACHE"/stage.*; }

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# ensure_packages WHAT WAY_OUT PACKAGE...: installs with apt-get those that are missing.
ensure_packages() {
  local what=$1 way_out=$2 package missing=() as_root=()
  shift 2
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    die "$what: needs what Debian calls $*, and this system has no apt-get to install it with. $way_out"
  fi
  for package; do
    installed "$package" || missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0

  if ((EUID != 0)); then
    if ! sudo -n true 2>/dev/null; then
      die "$what: these packages are missing, and installing them needs root: ${missing[*]}" \
        $'\n'"Run 'apt-get install ${missing[*]}' as root, then this script again. $way_out"
    fi
    as_root=(sudo -n)
  fi
  say "$what: installing ${missing[*]} with apt-get (log: $CACHE/logs/packages.log)."
  logged packages install_packages ||
    die "$what: could not install ${missing[*]}. Install them by hand, then run this script again. $way_out"
}

# A repository of somebody else's that can't be reached makes `update` fail and needn't concern us:
# whether the packages can be had shows in the next step.
install_packages() {
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update || true
  "${apt[@]}" install --no-install-recommends "${missing[@]}"
}
