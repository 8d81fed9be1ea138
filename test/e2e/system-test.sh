#!/usr/bin/env bash
# Runs twelve checks of a deployed system from outside. Needs bash 3.2 or newer and curl; see `--help`.
# shellcheck source-path=SCRIPTDIR
set -u
export LC_ALL=C

usage() {
  cat <<'END'
Twelve checks of a deployed system: test/e2e/system-test.sh

  API_URL    address of the API (http://localhost:$API_PORT)
  API_PORT   its port on localhost, if API_URL is not set (8080)
  API_TOKEN  if set, sent as Authorization: Bearer
  NAMESPACE  namespace whose logs kubectl reads (gpu-telemetry)
  LOGS_DIR   folder of logs, COMPONENT*.log, to read instead of those of kubectl or docker
  DEADLINE   seconds to wait for health, for new readings, and while a request is answered with 503 (60)
  STATIC     1: expect no new readings, because the source has ended
  STRICT     1: count skipped checks as failed

Prints a line per check and a summary. Exit status: 0 all passed, 1 a check failed, 2 bad usage.
END
}

misused() { printf '%s\n' "$1" >&2 && exit 2; }
case ${1-} in
  "") ;;
  -h | --help) usage && exit 0 ;;
  *) misused "argument must be --help, got \"$1\": everything else is read from the environment" ;;
esac
command -v curl >/dev/null || misused "curl must be installed: every check needs it"

API_URL=${API_URL:-http://localhost:${API_PORT:-8080}}
API_URL=${API_URL%/}
NAMESPACE=${NAMESPACE:-gpu-telemetry}
DEADLINE=${DEADLINE:-60}
readonly NOBODY=GPU-00000000-0000-0000-0000-000000000000

case $DEADLINE in *[!0-9]*) misused "DEADLINE must be a number of seconds, got \"$DEADLINE\"" ;; esac

WORK=$(mktemp -d) || exit 2
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM
readonly BODY=$WORK/body
# Not as an argument, because all users of the machine can see those.
(umask 077 && printf '%s' "${API_TOKEN:-}" | sed 's/["\\]/\\&/g; s/.*/header = "Authorization: Bearer &"/' >"$WORK/access")
ACCESS=()
[ -n "${API_TOKEN:-}" ] && ACCESS=(-K "$WORK/access")

# Result of the running check, for its line.
SAID=''
# The first GPU in the list, and its host.
UUID=''
HOSTNAME_OF=''

HERE=$(dirname "${BASH_SOURCE[0]}")
. "$HERE/http-answer.sh"
. "$HERE/component-logs.sh"

check_health() {
  local limit=$((SECONDS + DEADLINE))
  until expects /health 200; do
    [ $SECONDS -lt $limit ] || return 1
    sleep 0.5
  done
  holds '"status":"healthy"' 'status "healthy"' && holds "\"timestamp\":\"$TIME\"" "timestamp" && found "healthy at $API_URL"
}

newest() { get "/api/v1/gpus/$UUID/telemetry?limit=1" && times_of; }
acked() {
  get "/graphql?query=%7Bqueues%7Bcounters%7Backed%7D%7D%7D" -H 'accept: application/json'
  grep -oE '"acked":[0-9]+' "$BODY" | awk -F : '{ sum += $2 } END { print sum + 0 }'
}

check_ingestion() {
  local limit=$((SECONDS + DEADLINE)) first time before confirmed
  until expects "/api/v1/gpus?limit=1" 200 && UUID=$(value_of uuid) && [ -n "$UUID" ]; do
    if [ $SECONDS -ge $limit ]; then
      [ "$STATUS" = 200 ] && found "no GPU was listed within $DEADLINE s"
      return 1
    fi
    sleep 0.5
  done
  HOSTNAME_OF=$(value_of hostname)
  first=$(newest)
  [ -n "$first" ] || fail "no reading of $UUID is stored" || return
  [ "${STATIC:-}" = 1 ] && found "readings up to ${first}Z; no new ones expected" && return
  before=$(acked)
  while [ $SECONDS -lt $limit ]; do
    time=$(newest)
    [[ $time > $first ]] && found "readings arrive, newest ${time}Z" && return
    # The times of a file that is replayed with its own times do not advance.
    confirmed=$(acked)
    [ "$confirmed" -gt "$before" ] && found "batches arrive, $confirmed stored so far" && return
    sleep 0.3
  done
  fail "no new reading within $DEADLINE s, newest ${first}Z (set STATIC=1 if the source has ended)"
}

# Replaces lists inside of GPUs, whose objects have some of the names of a GPU.
without_lists() {
  sed -E 's/"holders":\[[^]]*\]/"holders":"list"/g; s/"instances":\[[^]]*\]/"instances":"list"/g' "$BODY"
}

# Prints one GPU per line; no field contains a brace.
items() { without_lists | tr '}' '\n' | grep '"uuid":'; }

check_list() {
  local total hosts next
  expects /api/v1/gpus 200 && holds '^\{"gpus":\[' "list of gpus" && holds '"total":[0-9]+' "total" || return
  total=$(value_of total)
  next=$(count_of '"next":null')
  [ "$next" = 0 ] || [ "$total" = "$(count_of '"uuid":')" ] || fail "total must be $(count_of '"uuid":'), the number of listed GPUs, got $total" || return
  [ "$total" -gt 0 ] || fail "no GPU is listed" || return
  [ -z "$(items | grep -oE '"uuid":"[^"]*"' | sort | uniq -d)" ] || fail "a GPU is listed twice" || return
  items | sed -E 's/.*"gpu_index":"([^"]*)".*"hostname":"([^"]*)".*/\2 \1/' >"$WORK/order"
  sort -c -k1,1 -k2,2n "$WORK/order" 2>"$WORK/error" || fail "list must be ordered by host and index: $(head -n 1 "$WORK/error")" || return
  hosts=$(cut -d ' ' -f 1 "$WORK/order" | uniq | wc -l | tr -d ' ')
  found "$(plural "$total" GPU) on $(plural "$hosts" host)"
}

check_detail() {
  needs_gpu && expects "/api/v1/gpus/$UUID" 200 && holds "\"uuid\":\"$UUID\"" "uuid $UUID" || return
  holds "\"hostname\":\"$HOSTNAME_OF\"" "hostname $HOSTNAME_OF, as the list has" && found "$UUID, last seen $(value_of last_seen)"
}

check_telemetry() {
  local listed
  needs_gpu && expects "/api/v1/gpus/$UUID/telemetry?limit=100" 200 && holds "\"gpu_uuid\":\"$UUID\"" "gpu_uuid $UUID" || return
  listed=$(count_of '"metric_name":')
  [ "$listed" -gt 0 ] || fail "no reading of $UUID" || return
  [ "$(value_of count)" = "$listed" ] || fail "count must be $listed, the number of readings, got $(value_of count)" || return
  found "$(plural "$listed" reading) of $(grep -oE '"metric_name":"[^"\\{]*' "$BODY" | sort -u | wc -l | tr -d ' ') metrics"
}

check_order() {
  needs_gpu && expects "/api/v1/gpus/$UUID/telemetry?limit=500" 200 || return
  times_of >"$WORK/times"
  [ -s "$WORK/times" ] || fail "no reading of $UUID" || return
  sort -rc "$WORK/times" 2>"$WORK/error" || fail "readings must be newest first: $(head -n 1 "$WORK/error")" || return
  found "newest first, $(head -n 1 "$WORK/times")Z to $(tail -n 1 "$WORK/times")Z"
}

# Filters by times of the unfiltered page. Skips the newest time if there are others: its readings may still arrive.
check_time_filter() {
  local start end seen filtered
  needs_gpu && expects "/api/v1/gpus/$UUID/telemetry?limit=1000" 200 || return
  times_of >"$WORK/times"
  end=$(uniq "$WORK/times" | sed -n 2p)
  end=${end:-$(head -n 1 "$WORK/times")}
  start=$(uniq "$WORK/times" | sed -n '2,6p' | tail -n 1)
  start=${start:-$end}
  [ -n "$end" ] || fail "no reading of $UUID" || return
  seen=$(awk -v start="$start" -v end="$end" '$0 >= start && $0 <= end' "$WORK/times" | wc -l | tr -d ' ')
  expects "/api/v1/gpus/$UUID/telemetry?start_time=${start}Z&end_time=${end}Z&limit=10000" 200 || return
  times_of >"$WORK/filtered"
  filtered=$(wc -l <"$WORK/filtered" | tr -d ' ')
  if awk -v start="$start" -v end="$end" '$0 < start || $0 > end' "$WORK/filtered" | grep -q .; then
    fail "readings outside of ${start}Z to ${end}Z" || return
  fi
  grep -qx "$start" "$WORK/filtered" || fail "start_time ${start}Z must be inclusive" || return
  grep -qx "$end" "$WORK/filtered" || fail "end_time ${end}Z must be inclusive" || return
  [ "$filtered" -ge "$seen" ] || fail "$(plural "$filtered" reading) from ${start}Z to ${end}Z, but $seen without a filter" || return
  found "$(plural "$filtered" reading) from ${start}Z to ${end}Z, both inclusive"
}

# each FILE NUMBER NAME PATTERN ...: every field must occur NUMBER times, with a value of its pattern.
each() {
  local found
  while [ $# -ge 4 ]; do
    found=$(grep -oE "\"$3\":($4)[,}]" "$1" | wc -l | tr -d ' ')
    [ "$found" = "$2" ] || fail "GET $ASKED: $3 is valid in $found of $2 objects" || return
    set -- "$1" "$2" "${@:5}"
  done
}

check_structure() {
  local gpu
  gpu=(uuid "$TEXT" device_id "$TEXT" gpu_index "$TEXT" model_name "$TEXT" hostname "$TEXT"
    container "null|$TEXT" pod "null|$TEXT" namespace "null|$TEXT" holders '"list"' last_seen "\"$TIME\"")
  needs_gpu && expects "/api/v1/gpus?limit=50" 200 || return
  items | sed 's/$/}/' >"$WORK/items"
  each "$WORK/items" "$(wc -l <"$WORK/items" | tr -d ' ')" "${gpu[@]}" && holds "\"next\":(null|$TEXT)" "next" || return
  expects "/api/v1/gpus/$UUID" 200 || return
  without_lists >"$WORK/gpu"
  each "$WORK/gpu" 1 "${gpu[@]}" instances '"list"' driver_version "null|$TEXT" first_seen "\"$TIME\"" || return
  expects "/api/v1/gpus/$UUID/telemetry?limit=50" 200 && holds "\"next\":(null|$TEXT)" "next" || return
  each "$BODY" "$(value_of count)" metric_name "$TEXT" value '-?[0-9.]+([eE][-+]?[0-9]+)?' timestamp "\"$TIME\"" || return
  found "all fields exist and have their types"
}

refuses() { # PATH STATUS: with problem details
  expects "$1" "$2" || return
  case $TYPE in application/problem+json*) ;; *) fail "GET $1: content type must be application/problem+json, got $TYPE" || return ;; esac
  holds "\"status\":$2" "status $2" && holds "\"title\":$TEXT" "title" && holds "\"detail\":$TEXT" "detail"
}

check_400() {
  local of=/api/v1/gpus/${UUID:-$NOBODY}/telemetry
  refuses "$of?start_time=yesterday" 400 && refuses "$of?start_time=2030-01-02T00:00:00Z&end_time=2030-01-01T00:00:00Z" 400 &&
    refuses "$of?limit=0" 400 && refuses "$of?colour=red" 400 && refuses /api/v1/gpus/not-a-uuid 400 &&
    found "bad time, span, limit, parameter and uuid are refused with problem details"
}

check_404() {
  refuses "/api/v1/gpus/$NOBODY" 404 && refuses "/api/v1/gpus/$NOBODY/telemetry" 404 && refuses /api/v1/nothing 404 &&
    refuses /nothing 404 && found "unknown GPUs and paths are refused with problem details"
}

check_swagger() {
  local file paths
  expects /swagger/index.html 200 && holds '<div id="swagger-ui"' "Swagger UI" || return
  grep -oE 'src="[^"]+"' "$BODY" | sed 's/^src="//; s/"$//' >"$WORK/scripts"
  [ -s "$WORK/scripts" ] || fail "Swagger UI loads no script" || return
  while read -r file; do expects "$file" 200 || return; done <"$WORK/scripts"
  expects /openapi.yaml 200 && holds '^openapi: "?3\.1' "OpenAPI 3.1" || return
  expects /openapi.json 200 && holds '"openapi": ?"3\.1' "OpenAPI 3.1" && holds '"/api/v1/gpus/\{uuid\}/telemetry"' "telemetry" || return
  paths=$(count_of '"/[^"]*": ?\{')
  found "Swagger UI and OpenAPI 3.1 of $paths paths"
}

# Milliseconds if bash has them, else whole seconds.
now() { [ -n "${EPOCHREALTIME:-}" ] && echo $((${EPOCHREALTIME/[.,]/} / 1000)) || echo $((SECONDS * 1000)); }
seconds_since() { awk -v ms=$(($(now) - $1)) 'BEGIN { printf "%.2f", ms / 1000 }'; }

passed=0 failed=0 skipped=0 number=0
began=$(now)
for check in health ingestion list detail telemetry order time_filter structure 400 404 swagger logs; do
  number=$((number + 1))
  started=$(now)
  SAID=''
  "check_$check"
  case $? in
    0) verdict=PASS passed=$((passed + 1)) ;;
    2) verdict=SKIP skipped=$((skipped + 1)) ;;
    *) verdict=FAIL failed=$((failed + 1)) ;;
  esac
  printf '[%2d/12] %s %s: %s (%s s)\n' $number $verdict "$(echo $check | tr _ ' ')" "$SAID" "$(seconds_since "$started")"
done
printf '%s\n' "$passed passed, $failed failed, $skipped skipped of 12 against $API_URL in $(seconds_since "$began") s"
[ "${STRICT:-}" = 1 ] && failed=$((failed + skipped))
[ $failed = 0 ]
