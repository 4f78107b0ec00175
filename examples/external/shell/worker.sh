#!/bin/sh
# A worker in POSIX sh and awk: how many steps a positive integer takes to 1, where even ones are halved, and odd ones tripled plus one.

fields() { # of the reply for "1,2,3": values, and errors by position
  printf '%s' "$1" | awk -v RS=, -v is_asked="$SQUALL_CONTRACT" '{
    problem = $1 > 0 ? "" : "not a positive integer"
    for (count = 0; $1 > 1 && problem == ""; count++) {
      $1 = $1 % 2 ? 3 * $1 + 1 : $1 / 2
      if ($1 > 2 ^ 53) problem = "beyond the integers of awk"
    }
    values = values (NR > 1 ? "," : "") (problem == "" ? count : "null")
    if (problem != "") errors = errors (errors == "" ? "" : ",") "\"" NR - 1 "\":\"" problem "\""
  } END { print is_asked ? "\"values\":[" values "],\"errors\":{" errors "}" : values }'
}
[ -n "$SQUALL_CONTRACT" ] || for n in ${@:-$(cat)}; do fields "$n"; done # by hand: sh worker.sh 27
while read -r line; do
  items=${line#*\"items\":[} items=${items%]*} id=${line#*\"id\":} id=${id%%,*}
  case $line in
    *'"hello"'*) reply='{"squall":1,"ready":true}' ;;
    *'"cancel"'*) continue ;;
    *) case $items in *[!0-9,]*) reply='"error":"expected positive integers"' ;; *) reply=$(fields "$items") ;; esac
       reply="{\"id\":$id,$reply}" ;;
  esac
  printf '%s\n' "$reply" >&"$SQUALL_REPLIES_FD"
done
