# Obtains bitcoind as Debian's package bitcoin-knots. Sourced by ci/setup, with obtain.sh.
#
# The package is in the suite `sid` only, and its libraries are newer than Debian 12's. It isn't
# installed, then, but unpacked; where the system's libraries don't do, those it needs are unpacked
# beside it and a wrapper starts it with them. apt does this with a state of its own, so that the
# system's sources and packages stay as they are, and as an ordinary user. Address and keyring of
# the Debian mirror are those of the system's own configuration; apt checks signatures as always.
# shellcheck shell=bash
# shellcheck source=ci/lib/obtain.sh
# shellcheck disable=SC2153 # STAGE is obtain.sh's

BITCOIND_WAY_OUT="Another way: set BITCOIND_EXE to a bitcoind of your own."

obtain_bitcoind() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    die "bitcoind: obtaining it needs Debian's apt-get and dpkg, which this system lacks." \
      "Install bitcoind so that it is on PATH. $BITCOIND_WAY_OUT"
  fi
  say "bitcoind: obtaining Debian's bitcoin-knots, some seconds (log: $CACHE/logs/bitcoind.log)."
  new_stage # sets STAGE
  create_private_apt
  logged bitcoind stage_bitcoind "$STAGE" ||
    die "bitcoind: could not be obtained from Debian's packages. $BITCOIND_WAY_OUT"
  install_bitcoind "$STAGE"
  rm -rf "$STAGE" "$PRIVATE_APT"
}

# The apt state lies in the system's folder for temporary files, not in the cache: apt downloads as
# a user of its own, who can't look into a home folder.
create_private_apt() {
  PRIVATE_APT=$(mktemp -d)
  chmod 755 "$PRIVATE_APT"
  mkdir -p "$PRIVATE_APT"/{lists,archives}/partial "$PRIVATE_APT/debs"
  ((EUID != 0)) || chown _apt "$PRIVATE_APT/debs" 2>/dev/null || true
  write_apt_configuration
  write_apt_sources
}

write_apt_configuration() {
  # With nothing installed, apt resolves a program down to its libc. Of systemd bitcoin-knots wants
  # only its users and services made, which nobody does here: taken as given, it isn't downloaded.
  cat >"$PRIVATE_APT/status" <<END
Package: systemd
Status: install ok installed
Architecture: $(dpkg --print-architecture)
Maintainer: nobody
Version: 99999
Description: stands in for the real one

END
  # The system's preferences and hooks are about the system's packages. Read last, through -c, this
  # file can clear the hooks; proxies and passwords stay as the system has them.
  cat >"$PRIVATE_APT/apt.conf" <<END
#clear APT::Update;
Dir::State "$PRIVATE_APT";
Dir::State::status "$PRIVATE_APT/status";
Dir::State::lists "$PRIVATE_APT/lists";
Dir::Cache "$PRIVATE_APT";
Dir::Etc::sourcelist "$PRIVATE_APT/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Install-Recommends "false";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
END
}

# The libraries come from the stable suite as far as they fit; sid is where the program is.
write_apt_sources() {
  local mirror keyring options suite
  mirror=$(debian_mirror)
  [[ -n $mirror ]] ||
    die "bitcoind: the apt configuration of this system names no Debian mirror. $BITCOIND_WAY_OUT"
  options="arch=$(dpkg --print-architecture) target=Packages lang=none"
  keyring=$(keyring_for "$mirror")
  # Without a keyring of its own, apt checks against those that it trusts for every source.
  [[ -z $keyring ]] || options+=" signed-by=$keyring"
  for suite in trixie sid; do
    printf 'deb [%s] %s %s main\n' "$options" "$mirror" "$suite"
  done >"$PRIVATE_APT/sources.list"
}

# Told by what its release file says (not by name), so that no third party's repository is taken.
debian_mirror() {
  local mirror lists=$PRIVATE_APT/system-lists
  mirror=$(first_mirror)
  if [[ -z $mirror ]]; then
    # No lists yet, as in a fresh container: fetch them, but not into the system's place. Another
    # repository that can't be reached is no reason to stop.
    mkdir -p "$lists/partial"
    echo '#clear APT::Update;' >"$PRIVATE_APT/no-hooks.conf"
    logged bitcoind-mirror apt-get -c "$PRIVATE_APT/no-hooks.conf" -o "Dir::State::lists=$lists" update || true
    mirror=$(first_mirror -o "Dir::State::lists=$lists")
  fi
  printf '%s\n' "$mirror"
}

first_mirror() {
  # shellcheck disable=SC2016 # apt's placeholder, not the shell's
  apt-get "$@" indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' | sort | head -n 1
}

# The Signed-By of the source that names this mirror, in either of the two formats that apt reads;
# nothing if it has none, or one that holds the key itself instead of a file's name.
keyring_for() {
  local mirror=${1%/} list parts
  eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
  {
    find "$list" "$parts" -name '*.sources' -exec awk -v mirror="$mirror" '
      BEGIN { RS = ""; FS = "\n" }
      {
        named = 0; keyring = ""
        for (i = 1; i <= NF; i++) {
          if ($i ~ /^URIs:/) {
            count = split($i, words, /[ \t]+/)
            for (n = 2; n <= count; n++) { sub("/$", "", words[n]); named += words[n] == mirror }
          }
          if (sub(/^Signed-By:[ \t]*/, "", $i)) keyring = $i
        }
        if (named) print keyring
      }' {} +
    find "$list" "$parts" -name '*.list' -exec awk -v mirror="$mirror" '
      /^deb/ {
        named = 0
        for (i = 2; i <= NF; i++) { uri = $i; sub("/$", "", uri); named += uri == mirror }
        if (named && match($0, /signed-by=[^] ]+/)) print substr($0, RSTART + 10, RLENGTH - 10)
      }' {} +
  } 2>/dev/null | grep '^/' | head -n 1 || true
}

private_apt() { LC_ALL=C apt-get -c "$PRIVATE_APT/apt.conf" -q -y "$@"; }

# Runs in the log, as a step that may fail anywhere: hence the chains of &&.
stage_bitcoind() {
  local stage=$1
  private_apt update
  mkdir -p "$stage/bin" &&
    unpack "$stage/program" bitcoin-knots/sid || return 1
  if "$stage/program/usr/bin/bitcoind" --version; then
    mv "$stage/program/usr/bin/bitcoind" "$stage/bin/bitcoind"
  else
    echo "The system's libraries don't do for it: adding those that it was built with."
    stage_with_libraries "$stage" trixie || stage_with_libraries "$stage" sid
  fi
}

# stage_with_libraries STAGE SUITE: what trixie has does until sid's bitcoin-knots wants newer.
stage_with_libraries() {
  local stage=$1 suite=$2 packages
  mapfile -t packages < <(libraries_from "$suite")
  ((${#packages[@]} > 0)) &&
    rm -rf "$stage/bitcoind-prefix" &&
    unpack "$stage/bitcoind-prefix" bitcoin-knots/sid "${packages[@]}" &&
    rm -rf "$stage/bitcoind-prefix/usr/share" &&
    write_wrapper "$stage" &&
    "$stage/bin/bitcoind" --version
}

# apt works out which libraries, by name and version; what isn't one (debconf and the like) serves
# to install, not to run.
libraries_from() {
  private_apt -s -t "$1" install bitcoin-knots/sid |
    sed -n 's/^Inst \(lib[^ ]*\) (\([^ ]*\) .*/\1=\2/p'
}

# unpack FOLDER PACKAGE...
unpack() {
  local folder=$1 deb
  shift
  mkdir -p "$folder" && (cd "$PRIVATE_APT/debs" && private_apt download "$@") || return 1
  for deb in "$PRIVATE_APT"/debs/*.deb; do
    dpkg -x "$deb" "$folder" || return 1
  done
  rm -f "$PRIVATE_APT"/debs/*.deb
}

# The libc of another release needs its own loader; through LD_LIBRARY_PATH alone it would crash.
# The wrapper finds its libraries from where it lies, so that the cache may be moved.
write_wrapper() {
  local stage=$1 prefix=$1/bitcoind-prefix loader libraries
  loader=$(cd "$prefix" && find . -name 'ld-linux*.so.*' | head -n 1)
  libraries=$(cd "$prefix" && find . -name libc.so.6 -printf '%h\n' | head -n 1)
  [[ -n $loader && -n $libraries ]] || return 1
  cat >"$stage/bin/bitcoind" <<END
#!/bin/sh
# Made by ci/setup: starts bitcoind with the libraries that it was built with, as this system's own
# are too old for it. exec, so that signals reach bitcoind itself.
set -eu
here=\$(dirname -- "\$(readlink -f -- "\$0")")
prefix=\$here/../bitcoind-prefix
exec "\$prefix/${loader#./}" --library-path "\$prefix/${libraries#./}" "\$prefix/usr/bin/bitcoind" "\$@"
END
  chmod 755 "$stage/bin/bitcoind"
}

# The program comes last: as long as it is missing, or fails for want of its libraries, the next
# run obtains it anew.
install_bitcoind() {
  local stage=$1
  rm -rf "$CACHE/bin/bitcoind" "$CACHE/bitcoind-prefix"
  [[ ! -d $stage/bitcoind-prefix ]] || mv "$stage/bitcoind-prefix" "$CACHE/bitcoind-prefix"
  mv "$stage/bin/bitcoind" "$CACHE/bin/bitcoind"
}
