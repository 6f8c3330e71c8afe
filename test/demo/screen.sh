# What the demo prints. Progress stays in one line of a terminal; elsewhere it is a line now and
# then.

screen_is_terminal=false
bold='' green='' red='' plain='' progress_shown=false progress_last=0
if [[ -t 1 ]]; then
  screen_is_terminal=true
  if [[ -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
    bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
  fi
fi

end_progress() {
  if $progress_shown; then printf '\n'; fi
  progress_shown=false
}

say() { # step
  end_progress
  printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

note() { printf '   %s\n' "$1"; }

note_lines() { sed 's/^/   /'; }

event() { # text
  if $progress_shown; then printf '\r\e[K'; fi
  progress_shown=false
  printf '   %s! %s%s\n' "$red" "$1" "$plain"
}

row() { printf '   %-20s %s\n' "$1" "$2"; }

good() { printf '\n%s%s%s\n' "$green" "$1" "$plain"; }
bad() { printf '\n%s%s%s\n' "$red" "$1" "$plain"; }

progress() { # text
  if $screen_is_terminal; then
    printf '\r\e[K   %s' "$1"
    progress_shown=true
  elif ((EPOCHSECONDS >= progress_last + 3)); then
    progress_last=$EPOCHSECONDS
    printf '   %s\n' "$1"
  fi
}

grouped() { # number: 1234567 as 1,234,567
  sed -E ':a; s/([0-9])([0-9]{3})($|,)/\1,\2\3/; ta' <<<"$1"
}

megabytes() { # bytes
  printf '%d.%d MB' $(($1 / 1000000)) $(($1 / 100000 % 10))
}

bar() { # part whole
  local width=30 done
  done=$(($2 > 0 ? $1 * width / $2 : 0))
  printf '[%s%s]' "$(printf '%*s' "$done" '' | tr ' ' '#')" "$(printf '%*s' $((width - done)) '')"
}
