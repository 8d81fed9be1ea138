# shellcheck shell=bash
# Sourced by system-test.sh: the check of the logs, which are read from a folder, the cluster or Docker.
readonly COMPONENTS="api-gateway collector streamer queue-service inventory telemetry"

find_logs() {
  if [ -n "${LOGS_DIR:-}" ]; then
    echo folder
  elif has_cluster; then
    echo cluster
  elif command -v docker >/dev/null && docker version >/dev/null 2>&1; then
    echo docker
  fi
}
has_cluster() {
  # Without a context kubectl connects to localhost:8080, where our own API may listen.
  command -v kubectl >/dev/null && kubectl config current-context >/dev/null 2>&1 && [ -n "$(pods_of api-gateway)" ]
}
pods_of() { kubectl -n "$NAMESPACE" --request-timeout=10s get pods -l "app=$1" -o name 2>/dev/null; }
containers_of() {
  local found
  found=$(docker ps -aq --filter "label=com.docker.compose.service=$1" 2>/dev/null)
  [ -n "$found" ] || found=$(docker ps -aq --filter "name=(^/?|[-_])$1([-_][0-9]+)?\$" 2>/dev/null)
  echo "$found"
}

# logs_of SOURCE COMPONENT: prints the logs, or nothing.
logs_of() {
  local container
  case $1 in
    folder) cat "$LOGS_DIR/$2"*.log 2>/dev/null ;;
    cluster) kubectl -n "$NAMESPACE" --request-timeout=30s logs -l "app=$2" --all-containers --tail=-1 2>/dev/null ;;
    docker) for container in $(containers_of "$2"); do docker logs "$container" 2>&1; done ;;
  esac
}

# Prints lines of level error, as JSON or text, and the messages of a crashed runtime.
errors_in() {
  grep -E '^\{.*"level":"error"|\[(ERR|FTL)\]' "$1"
  grep -vE '^\{|\[(DBG|INF|WRN|ERR|FTL)\]' "$1" | grep -iE 'error|panic|uncaught|unhandled|exception'
}

check_logs() {
  local source component errors clean="" missing="" of=$COMPONENTS
  source=$(find_logs)
  [ -n "$source" ] || skip "no logs to read: no pods in namespace $NAMESPACE, no docker, no LOGS_DIR" || return
  logs_of "$source" all-in-one >"$WORK/log"
  [ -s "$WORK/log" ] && of=all-in-one
  for component in $of; do
    logs_of "$source" "$component" >"$WORK/log"
    [ -s "$WORK/log" ] || { missing="$missing $component" && continue; }
    errors=$(errors_in "$WORK/log")
    [ -z "$errors" ] || fail "$component: $(printf '%s\n' "$errors" | head -n 1 | head -c 300)" || return
    clean="$clean $component"
  done
  [ -z "$missing" ] || skip "no logs of$missing in the $source; without errors:${clean:- none}" || return
  found "without errors:$clean"
}
