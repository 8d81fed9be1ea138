# shellcheck shell=bash disable=SC2034
# Sourced by system-test.sh: requests to the API, reading of JSON answers without a parser, and the end of a check.
readonly TIME='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z'
readonly TEXT='"([^"\\]|\\.)*"'

# get PATH [curl arguments]: sets STATUS, TYPE and the file BODY; STATUS is 000 if there is no answer. If a
# dependency is unavailable (503), the request is repeated until DEADLINE has passed.
get() {
  local limit=$((SECONDS + DEADLINE))
  request "$@"
  while [ "$STATUS" = 503 ] && [ $SECONDS -lt $limit ]; do
    sleep 1
    request "$@"
  done
}

request() { # PATH [curl arguments]
  ASKED=$1
  local head
  : >"$BODY"
  head=$(curl -sS -m 10 -o "$BODY" -w '%{http_code} %{content_type}' ${ACCESS[@]+"${ACCESS[@]}"} "${@:2}" "$API_URL$1" 2>"$WORK/error") ||
    { head="000 " && cp "$WORK/error" "$BODY"; }
  STATUS=${head%% *}
  TYPE=${head#* }
}

# Every check ends with one of found, fail and skip.
found() { SAID=$1; }
fail() { SAID=$1 && return 1; }
skip() { SAID=$1 && return 2; }
needs_gpu() { [ -n "$UUID" ] || skip "there is no GPU to query"; }
received() { head -c 160 "$BODY" | tr '\n' ' '; }
expects() { # PATH STATUS [curl arguments]
  get "$1" "${@:3}"
  [ "$STATUS" = "$2" ] || fail "GET $1: status must be $2, got $STATUS: $(received)"
}
holds() { grep -qE "$1" "$BODY" || fail "GET $ASKED: body must have $2, got $(received)"; }
count_of() { grep -oE "$1" "$BODY" | wc -l | tr -d ' '; }
# value_of NAME: prints the first string or number with that name, still escaped.
value_of() { grep -oE "\"$1\": ?($TEXT|-?[0-9]+)" "$BODY" | head -n 1 | sed -E 's/^"[^"]*": ?"?//; s/"$//'; }
# Times without a fraction would sort after those with one, so all get three digits.
times_of() { grep -oE "\"timestamp\":\"$TIME\"" "$BODY" | sed -E 's/^"timestamp":"//; s/Z"$//; /\./!s/$/.000/'; }
plural() { [ "$1" = 1 ] && echo "$1 $2" || echo "$1 $2s"; }
