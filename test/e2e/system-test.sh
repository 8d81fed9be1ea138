#!/usr/bin/env bash
# Twelve checks of a deployed system, from outside. Needs bash (3.2 will do) and curl; `--help` says what it reads.
# shellcheck source-path=SCRIPTDIR
set -u
export LC_ALL=C

usage() {
  cat <<'END'
Twelve checks of a deployed system: test/e2e/system-test.sh

  API_URL    where it answers; http://localhost:$API_PORT when not set
  API_PORT   8080
  API_TOKEN  sent as Authorization: Bearer, when set
  NAMESPACE  gpu-telemetry: whose logs kubectl is asked for
  LOGS_DIR   a folder of logs, COMPONENT*.log, to read instead of asking kubectl or docker
  DEADLINE   60: seconds to wait for health, and for new readings
  STATIC     1: the source has ended, so that no new reading is expected
  STRICT     1: a check that cannot be made counts as failed

One line per check and a summary. Exit status: 0 all well, 1 a check failed, 2 used wrongly.
END
}

misused() { printf '%s\n' "$1" >&2 && exit 2; }
case ${1-} in
  "") ;;
  -h | --help) usage && exit 0 ;;
  *) misused "unknown argument $1: accepted is --help; everything else is read from the environment" ;;
esac
command -v curl >/dev/null || misused "curl is not installed: every check needs it"

API_URL=${API_URL:-http://localhost:${API_PORT:-8080}}
API_URL=${API_URL%/}
NAMESPACE=${NAMESPACE:-gpu-telemetry}
DEADLINE=${DEADLINE:-60}
readonly NOBODY=GPU-00000000-0000-0000-0000-000000000000

case $DEADLINE in *[!0-9]*) misused "DEADLINE is \"$DEADLINE\": accepted is a number of seconds" ;; esac

WORK=$(mktemp -d) || exit 2
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM
readonly BODY=$WORK/body
# Not as an argument: those are seen by everyone on the machine.
(umask 077 && printf '%s' "${API_TOKEN:-}" | sed 's/["\\]/\\&/g; s/.*/header = "Authorization: Bearer &"/' >"$WORK/access")
ACCESS=()
[ -n "${API_TOKEN:-}" ] && ACCESS=(-K "$WORK/access")

# What a check found, for its line.
SAID=''
# Of the first GPU in the list.
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
      [ "$STATUS" = 200 ] && found "no GPU was seen within $DEADLINE s"
      return 1
    fi
    sleep 0.5
  done
  HOSTNAME_OF=$(value_of hostname)
  first=$(newest)
  [ -n "$first" ] || fail "no reading of $UUID is stored" || return
  [ "${STATIC:-}" = 1 ] && found "readings up to ${first}Z; none is expected to come" && return
  before=$(acked)
  while [ $SECONDS -lt $limit ]; do
    time=$(newest)
    [[ $time > $first ]] && found "readings arrive, the newest of ${time}Z" && return
    # Times of a file that is told again and again do not advance.
    confirmed=$(acked)
    [ "$confirmed" -gt "$before" ] && found "batches arrive, $confirmed were stored" && return
    sleep 0.3
  done
  fail "no new reading within $DEADLINE s, the newest is of ${first}Z (STATIC=1 where the source has ended)"
}

# One GPU a line: none of their fields holds a brace.
items() { tr '}' '\n' <"$BODY" | grep '"uuid":'; }

check_list() {
  local total hosts next
  expects /api/v1/gpus 200 && holds '^\{"gpus":\[' "list of gpus" && holds '"total":[0-9]+' "total" || return
  total=$(value_of total)
  next=$(count_of '"next":null')
  [ "$next" = 0 ] || [ "$total" = "$(count_of '"uuid":')" ] || fail "total is $total, but $(plural "$(count_of '"uuid":')" GPU) are listed" || return
  [ "$total" -gt 0 ] || fail "no GPU is listed" || return
  [ -z "$(items | grep -oE '"uuid":"[^"]*"' | sort | uniq -d)" ] || fail "a GPU is listed twice" || return
  items | sed -E 's/.*"gpu_index":"([^"]*)".*"hostname":"([^"]*)".*/\2 \1/' >"$WORK/order"
  sort -c -k1,1 -k2,2n "$WORK/order" 2>"$WORK/error" || fail "not in order of host and index: $(head -n 1 "$WORK/error")" || return
  hosts=$(cut -d ' ' -f 1 "$WORK/order" | uniq | wc -l | tr -d ' ')
  found "$(plural "$total" GPU) on $(plural "$hosts" host)"
}

check_detail() {
  needs_gpu && expects "/api/v1/gpus/$UUID" 200 && holds "\"uuid\":\"$UUID\"" "uuid $UUID" || return
  holds "\"hostname\":\"$HOSTNAME_OF\"" "hostname $HOSTNAME_OF, as the list has" && found "$UUID, last seen $(value_of last_seen)"
}

check_telemetry() {
  local told
  needs_gpu && expects "/api/v1/gpus/$UUID/telemetry?limit=100" 200 && holds "\"gpu_uuid\":\"$UUID\"" "gpu_uuid $UUID" || return
  told=$(count_of '"metric_name":')
  [ "$told" -gt 0 ] || fail "no reading of $UUID" || return
  [ "$(value_of count)" = "$told" ] || fail "count is $(value_of count), but $(plural "$told" reading) are told" || return
  found "$(plural "$told" reading) of $(grep -oE '"metric_name":"[^"\\{]*' "$BODY" | sort -u | wc -l | tr -d ' ') metrics"
}

check_order() {
  needs_gpu && expects "/api/v1/gpus/$UUID/telemetry?limit=500" 200 || return
  times_of >"$WORK/times"
  [ -s "$WORK/times" ] || fail "no reading of $UUID" || return
  sort -rc "$WORK/times" 2>"$WORK/error" || fail "not newest first: $(head -n 1 "$WORK/error")" || return
  found "newest first, $(head -n 1 "$WORK/times")Z to $(tail -n 1 "$WORK/times")Z"
}

# The times of the page before; the newest tick may still be arriving, so it is left out where there are others.
check_time_filter() {
  local start end seen told
  needs_gpu && expects "/api/v1/gpus/$UUID/telemetry?limit=1000" 200 || return
  times_of >"$WORK/times"
  end=$(uniq "$WORK/times" | sed -n 2p)
  end=${end:-$(head -n 1 "$WORK/times")}
  start=$(uniq "$WORK/times" | sed -n '2,6p' | tail -n 1)
  start=${start:-$end}
  [ -n "$end" ] || fail "no reading of $UUID" || return
  seen=$(awk -v start="$start" -v end="$end" '$0 >= start && $0 <= end' "$WORK/times" | wc -l | tr -d ' ')
  expects "/api/v1/gpus/$UUID/telemetry?start_time=${start}Z&end_time=${end}Z&limit=10000" 200 || return
  times_of >"$WORK/told"
  told=$(wc -l <"$WORK/told" | tr -d ' ')
  if awk -v start="$start" -v end="$end" '$0 < start || $0 > end' "$WORK/told" | grep -q .; then
    fail "readings outside of ${start}Z to ${end}Z" || return
  fi
  grep -qx "$start" "$WORK/told" || fail "start_time ${start}Z is not inclusive" || return
  grep -qx "$end" "$WORK/told" || fail "end_time ${end}Z is not inclusive" || return
  [ "$told" -ge "$seen" ] || fail "$(plural "$told" reading) from ${start}Z to ${end}Z, but $seen without a filter" || return
  found "$(plural "$told" reading) from ${start}Z to ${end}Z, both included"
}

# each FILE NUMBER NAME PATTERN ...: every field as often as there are objects.
each() {
  local found
  while [ $# -ge 4 ]; do
    found=$(grep -oE "\"$3\":($4)[,}]" "$1" | wc -l | tr -d ' ')
    [ "$found" = "$2" ] || fail "GET $ASKED: $3 as it should be in $found of $2 objects" || return
    set -- "$1" "$2" "${@:5}"
  done
}

check_structure() {
  local gpu
  gpu=(uuid "$TEXT" device_id "$TEXT" gpu_index "$TEXT" model_name "$TEXT" hostname "$TEXT"
    container "null|$TEXT" pod "null|$TEXT" namespace "null|$TEXT")
  needs_gpu && expects "/api/v1/gpus?limit=50" 200 || return
  items | sed 's/$/}/' >"$WORK/items"
  each "$WORK/items" "$(wc -l <"$WORK/items" | tr -d ' ')" "${gpu[@]}" && holds "\"next\":(null|$TEXT)" "next" || return
  expects "/api/v1/gpus/$UUID" 200 || return
  each "$BODY" 1 "${gpu[@]}" driver_version "null|$TEXT" first_seen "\"$TIME\"" last_seen "\"$TIME\"" || return
  expects "/api/v1/gpus/$UUID/telemetry?limit=50" 200 && holds "\"next\":(null|$TEXT)" "next" || return
  each "$BODY" "$(value_of count)" metric_name "$TEXT" value '-?[0-9.]+([eE][-+]?[0-9]+)?' timestamp "\"$TIME\"" || return
  found "every field is there, and of its type"
}

refuses() { # PATH STATUS: with problem details
  expects "$1" "$2" || return
  case $TYPE in application/problem+json*) ;; *) fail "GET $1 answers $TYPE, not application/problem+json" || return ;; esac
  holds "\"status\":$2" "status $2" && holds "\"title\":$TEXT" "title" && holds "\"detail\":$TEXT" "detail"
}

check_400() {
  local of=/api/v1/gpus/${UUID:-$NOBODY}/telemetry
  refuses "$of?start_time=yesterday" 400 && refuses "$of?start_time=2030-01-02T00:00:00Z&end_time=2030-01-01T00:00:00Z" 400 &&
    refuses "$of?limit=0" 400 && refuses "$of?colour=red" 400 && refuses /api/v1/gpus/not-a-uuid 400 &&
    found "bad time, bad span, bad limit, unknown parameter and bad uuid are refused in words"
}

check_404() {
  refuses "/api/v1/gpus/$NOBODY" 404 && refuses "/api/v1/gpus/$NOBODY/telemetry" 404 && refuses /api/v1/nothing 404 &&
    refuses /nothing 404 && found "unknown GPUs and paths are told as JSON"
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

# Milliseconds where bash can tell, else whole seconds.
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
