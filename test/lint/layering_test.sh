#!/usr/bin/env bash
# A folder includes only from its left: schema <- config <- storage <- actors <- cli; and each
# outside library has one folder that may include it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Prints "file:line:header" of every #include in the project's own C++ files.
includes() {
  files '*.cpp' '*.hpp' '*.h' | tr '\n' '\0' |
    xargs -0 -r grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' |
    sed -E 's/^([^:]*:[0-9]+):[^<"]*[<"]([^>"]*)[>"].*/\1:\2/'
}

# The project's headers that a file of this folder may include, as an extended regular expression.
allowed_from() { # file
  case $1 in
    schema/include/* | actors/client/include/*) echo '^$' ;; # Installed without the others.
    schema/*) echo '^schema/' ;;
    config/*) echo '^(schema|config)/' ;;
    storage/*) echo '^(schema|config|storage)/' ;;
    actors/client/*) echo '^(schema|actors/client)/' ;;
    actors/core/*) echo '^(schema|config|storage|actors/core)/' ;;
    actors/raft/*) echo '^(schema|config|storage|actors/core|actors/raft)/' ;;
    actors/*) echo '^(schema|config|storage|actors)/' ;;
    cli/*) echo '^(schema|config|storage|actors|cli)/' ;;
    *) echo '^' ;;
  esac
}

without_caf() { # file
  case $1 in
    schema/* | storage/* | actors/core/* | actors/raft/* | actors/client/*) return 0 ;;
    *) return 1 ;;
  esac
}

# Sets REPLY to the project's file behind an included header, or to nothing.
file_of() { # header
  local place
  REPLY=
  [[ $1 == *.hpp ]] || return 0
  for place in '' schema/include/ actors/client/include/; do
    if [[ -f $place$1 ]]; then
      REPLY=$place$1
      return
    fi
  done
}

may_include() { # file header
  local file=$1 header=$2
  case $header in
    *.capnp.h | capnp/* | kj/*)
      [[ $file == schema/* && $file != schema/include/* || $file == test/schema/* ]]
      ;;
    lmdb.h) [[ $file == storage/* || $file == test/storage/* ]] ;;
    raft.h | raft/*) [[ $file == actors/raft/* || $file == test/raft/* ]] ;;
    tao/*) [[ $file == actors/core/filter_grammar.cpp ]] ;;
    date/date.h) [[ $file == actors/core/cron.cpp ]] ;;
    date/*) [[ $file == actors/time_zones.cpp ]] ;;
    caf/*) ! without_caf "$file" ;;
    schema/* | config/* | storage/* | actors/* | cli/* | test/*)
      [[ $header =~ $(allowed_from "$file") ]]
      ;;
    carafe/*)
      file_of "$header"
      [[ $REPLY == schema/* || $file == actors/client/* || $file == cli/* || $file == test/* ]]
      ;;
    thread | mutex | shared_mutex | condition_variable | future | atomic | stop_token | \
      semaphore | latch | barrier | chrono | ctime | random | fstream | filesystem)
      [[ $file != actors/core/* ]]
      ;;
    *) return 0 ;;
  esac
}

declare -A headers=() # file -> what it includes

while IFS=: read -r file line header; do
  headers[$file]+="$header "
  may_include "$file" "$header" || fail "$file:$line must not include $header"
done < <(includes)

is_guarded() { # header
  case $1 in
    *.capnp.h | capnp/* | kj/* | lmdb.h | raft.h | raft/* | tao/* | date/* | caf/*) return 0 ;;
    *) return 1 ;;
  esac
}

# Sets REPLY to the first outside header that a file may not include and gets through other
# headers, or to nothing.
smuggled() { # file
  local -A seen=()
  local start=$1 queue=("$1") file header next
  while [[ ${#queue[@]} -gt 0 ]]; do
    file=${queue[0]}
    queue=("${queue[@]:1}")
    for header in ${headers[$file]:-}; do
      if [[ $file != "$start" ]] && is_guarded "$header" && ! may_include "$start" "$header"; then
        REPLY="$header through $file"
        return
      fi
      file_of "$header"
      next=$REPLY
      if [[ -n $next && -z ${seen[$next]:-} ]]; then
        seen[$next]=1
        queue+=("$next")
      fi
    done
  done
  REPLY=
}

for file in "${!headers[@]}"; do
  smuggled "$file"
  [[ -z $REPLY ]] || fail "$file must not include $REPLY"
done

# A state machine gets time and randomness as arguments.
while IFS= read -r hit; do
  fail "actors/core reads a clock or a random device: $hit"
done < <(files '*.cpp' '*.hpp' | grep '^actors/core/' | tr '\n' '\0' |
  xargs -0 -r grep -nHE '_clock::now|\b(clock_)?gettime(ofday)?\(|\brandom_device\b|\bs?rand\(' ||
  true)

finish
