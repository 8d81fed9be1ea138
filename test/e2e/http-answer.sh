# shellcheck shell=bash disable=SC2034
# How system-test.sh, which reads this file and what is set here, asks the API, reads answers without a JSON parser, and ends a check.
readonly TIME='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z'
readonly TEXT='"([^"\\]|\\.)*"'

# get PATH [curl arguments]: STATUS, TYPE and the file BODY; STATUS is 000 where nobody answers.
get() {
  ASKED=$1
  local head
  : >"$BODY"
  head=$(curl -sS -m 10 -o "$BODY" -w '%{http_code} %{content_type}' ${ACCESS[@]+"${ACCESS[@]}"} "${@:2}" "$API_URL$1" 2>"$WORK/error") ||
    { head="000 " && cp "$WORK/error" "$BODY"; }
  STATUS=${head%% *}
  TYPE=${head#* }
}

# A check ends with one of these.
found() { SAID=$1; }
fail() { SAID=$1 && return 1; }
skip() { SAID=$1 && return 2; }
needs_gpu() { [ -n "$UUID" ] || skip "no GPU is known to ask about"; }
received() { head -c 160 "$BODY" | tr '\n' ' '; }
expects() { # PATH STATUS [curl arguments]
  get "$1" "${@:3}"
  [ "$STATUS" = "$2" ] || fail "GET $1 answers $STATUS, not $2: $(received)"
}
holds() { grep -qE "$1" "$BODY" || fail "GET $ASKED has no $2: $(received)"; }
count_of() { grep -oE "$1" "$BODY" | wc -l | tr -d ' '; }
# value_of NAME: of the first string or number under that name, as it stands there.
value_of() { grep -oE "\"$1\": ?($TEXT|-?[0-9]+)" "$BODY" | head -n 1 | sed -E 's/^"[^"]*": ?"?//; s/"$//'; }
# A whole second is told without a fraction, which sorts after one: all get three digits.
times_of() { grep -oE "\"timestamp\":\"$TIME\"" "$BODY" | sed -E 's/^"timestamp":"//; s/Z"$//; /\./!s/$/.000/'; }
plural() { [ "$1" = 1 ] && echo "$1 $2" || echo "$1 $2s"; }
