# Figures that `run` measured, as numbers and as parts of the page. Each file of figures has one JSON
# object a line, as `carafe --json` writes them.

# The value of a field, in the line of a file that has `"NAME":"VALUE"`; nothing if there is none.
figure() { # file name value field
  grep -F "\"$2\":\"$3\"" "$1" | head -n 1 | grep -oE "\"$4\":-?[0-9.]+" | head -n 1 | cut -d: -f2
}

# The first field of that name, whatever it is in.
first_figure() { # field <json
  grep -oE "\"$1\":-?[0-9.]+" | head -n 1 | cut -d: -f2
}

calculated() { # an expression of awk
  awk "BEGIN { printf \"%.6f\", $1 }"
}

# The lines of a file as a table; what an object does not have is empty.
table() { # file "field|heading|form"...
  local file=$1
  shift
  awk -v columns="$(IFS=';' && printf '%s' "$*")" '
    function grouped(n,    text, out) {
      text = sprintf("%.0f", n)
      while (length(text) > 3) {
        out = "," substr(text, length(text) - 2) out
        text = substr(text, 1, length(text) - 3)
      }
      return text out
    }
    function shown(value, form) {
      if (value == "" || value == "null") return ""
      if (form == "text") return value
      if (form == "count") return grouped(value)
      if (form == "mib") return sprintf("%.1f", value / 1048576)
      if (form == "ratio") return sprintf("%.3f", value)
      if (form == "us") return value + 0 < 1000 ? value " us" : sprintf("%.1f ms", value / 1000)
    }
    function value_of(name,    at, rest) {
      at = index($0, "\"" name "\":")
      if (at == 0) return ""
      rest = substr($0, at + length(name) + 3)
      if (substr(rest, 1, 1) == "\"") {
        rest = substr(rest, 2)
        return substr(rest, 1, index(rest, "\"") - 1)
      }
      match(rest, /^[^,}]*/)
      return substr(rest, 1, RLENGTH)
    }
    BEGIN {
      count = split(columns, column, ";")
      heading = rule = "|"
      for (i = 1; i <= count; ++i) {
        split(column[i], part, "|")
        heading = heading " " part[2] " |"
        rule = rule (part[3] == "text" ? "---|" : "--:|")
      }
      print heading "\n" rule
    }
    {
      line = "|"
      for (i = 1; i <= count; ++i) {
        split(column[i], part, "|")
        line = line " " shown(value_of(part[1]), part[3]) " |"
      }
      print line
    }' "$file"
}

# A line of the table of what is wanted: whether a figure is at least, or at most, so much. What was
# not measured is not met.
wanted() { # what at-least|at-most bound figure unit
  local verdict
  verdict=$(awk -v sense="$2" -v bound="$3" -v got="${4:-none}" 'BEGIN {
    if (got == "none") print "not measured"
    else if (sense == "at-least" ? got + 0 >= bound + 0 : got + 0 <= bound + 0) print "met"
    else print "**missed**"
  }')
  printf '| %s | %s %s | %s | %s |\n' "$1" "${2/-/ }" "$(plain "$3")$5" \
    "$([[ -n ${4:-} ]] && printf '%s%s' "$(plain "$4")" "$5")" "$verdict"
}

# A number with as many places as it needs to be told from its neighbours: "1,500,000", "0.55".
plain() { # number
  awk -v n="$1" 'BEGIN {
    text = n >= 100 ? sprintf("%.0f", n) : sprintf("%.3f", n)
    if (text ~ /\./) { sub(/0+$/, "", text); sub(/\.$/, "", text) }
    else while (match(text, /^[0-9]+[0-9][0-9][0-9](,|$)/)) {
      first = text
      sub(/,.*/, "", first)
      text = substr(text, 1, length(first) - 3) "," substr(text, length(first) - 2)
    }
    print text
  }'
}
