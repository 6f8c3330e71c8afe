# Compiler flags that hold for every target of the project.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()

set(CARAFE_SANITIZE "" CACHE STRING "Value of -fsanitize=, for example address,undefined")

find_program(CARAFE_CCACHE ccache)
if(CARAFE_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  # The base directory lets several build directories of one checkout share their results; the
  # sloppiness is what ccache asks for to cache compilations that use a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env
      "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}"
      "CCACHE_SLOPPINESS=pch_defines,time_macros"
      "${CARAFE_CCACHE}")
endif()

add_compile_options(
  -Wall
  -Wextra
  -Wpedantic
  -Wshadow
  -Wconversion
  -Wnon-virtual-dtor
  -Woverloaded-virtual
  -Wcast-qual
  -Wextra-semi)

# Bounds checks of the standard library stay on in release builds: the broker parses foreign bytes.
add_compile_definitions(_GLIBCXX_ASSERTIONS)

if(CARAFE_SANITIZE)
  add_compile_options(
    -fsanitize=${CARAFE_SANITIZE}
    -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CARAFE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 loses track of initialization in instrumented code and warns about the standard library.
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()
