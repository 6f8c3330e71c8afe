# Writes a source with one mistake in it: mutate.cmake -D MUTANT=<file> -D SOURCE_DIR=<root> -D OUT=<file>
#
# A mutant is a CMake file that sets `file`, `from` and `to`, and in `told` what the violation says
# that it leads to. `from` must be there exactly once: whoever changes that line says anew what the
# mistake is.
include("${MUTANT}")
file(READ "${SOURCE_DIR}/${file}" text)
string(REGEX REPLACE "^\n" "" from "${from}")
string(REGEX REPLACE "^\n" "" to "${to}")
string(LENGTH "${from}" length)
string(FIND "${text}" "${from}" first)
string(FIND "${text}" "${from}" last REVERSE)
if(first EQUAL -1 OR NOT first EQUAL last)
  message(FATAL_ERROR "${MUTANT}: the text to change is not in ${file} exactly once")
endif()
string(SUBSTRING "${text}" 0 ${first} before)
math(EXPR rest "${first} + ${length}")
string(SUBSTRING "${text}" ${rest} -1 after)
file(WRITE "${OUT}" "${before}${to}${after}")
