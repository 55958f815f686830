#!/usr/bin/env bash
# The tests that take too long for tests/run.sh: chaos at full length, 100,000 hostile messages, ten minutes of live push, full disks.
# Needs root for small file systems. Options: a filter of dotnet test.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 OEE_E2E_SECONDS=60 OEE_LONG=1

full='FullyQualifiedName~NoLoss|FullyQualifiedName~S7Tests|FullyQualifiedName~EdgeChaos|FullyQualifiedName~Cluster'
full="$full|FullyQualifiedName~Embedded"
hostile='FullyQualifiedName~Hostile|FullyQualifiedName~OpcUa|FullyQualifiedName~FullDisk|FullyQualifiedName~Quiet|FullyQualifiedName~TrendsPage'
filter=${1:-"$full|$hostile"}

tests/run.sh --install
dotnet build OeeOrleans.sln -c Release --nologo -v quiet
for library in S7 Cip; do
  dotnet test "tests/OeeOrleans.$library.Tests" -c Release --no-build --nologo --logger "console;verbosity=normal" \
    --filter 'FullyQualifiedName~Hostile'
done
dotnet test tests/OeeOrleans.EndToEnd -c Release --no-build --nologo --logger "console;verbosity=normal" --filter "$filter"
