# The functions that declare Carafe's own targets.

# carafe_add_library(<name> SOURCES <file>... PUBLIC <target>... PRIVATE <target>...)
#
# A static library whose sources and tests include from the repository's root
# (`"storage/commit_log.hpp"`). With no sources (headers only) it is an interface library.
function(carafe_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
    target_compile_features(${name} PUBLIC cxx_std_20)
    target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
    target_compile_features(${name} INTERFACE cxx_std_20)
    target_link_libraries(${name} INTERFACE ${arg_PUBLIC} ${arg_PRIVATE})
  endif()
endfunction()

# carafe_public_headers(<target> <folder>)
#
# Headers under <folder>/carafe are included as <carafe/x.hpp>, in the build and when installed.
function(carafe_public_headers target folder)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    set(scope INTERFACE)
  else()
    set(scope PUBLIC)
  endif()
  target_include_directories(${target} ${scope}
    "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/${folder}>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/"
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
          FILES_MATCHING PATTERN "*.hpp")
endfunction()

# carafe_add_schemas(<target> <file.capnp>...)
#
# Compiles Cap'n Proto schemas into <target>. Its own sources, and nobody else's, include the
# result as "<folder>/<file>.capnp.h".
function(carafe_add_schemas target)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY" OR NOT ARGN)
    return() # No source could include the result.
  endif()
  set(generated "${PROJECT_BINARY_DIR}/generated")
  file(RELATIVE_PATH folder "${PROJECT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  file(MAKE_DIRECTORY "${generated}/${folder}")
  foreach(schema IN LISTS ARGN)
    set(out "${generated}/${folder}/${schema}")
    add_custom_command(
      OUTPUT "${out}.c++" "${out}.h"
      COMMAND "${CARAFE_CAPNP}" compile
              "-o${CARAFE_CAPNPC_CXX}:${generated}"
              "--src-prefix=${PROJECT_SOURCE_DIR}"
              "-I${PROJECT_SOURCE_DIR}"
              "${CMAKE_CURRENT_SOURCE_DIR}/${schema}"
      # A schema may import its neighbours, so a change in one rebuilds them all.
      DEPENDS ${ARGN}
      COMMENT "Compiling ${folder}/${schema}"
      VERBATIM)
    target_sources(${target} PRIVATE "${out}.c++" "${out}.h")
    set_source_files_properties("${out}.c++" PROPERTIES COMPILE_OPTIONS -w)
  endforeach()
  target_include_directories(${target} SYSTEM PRIVATE "${generated}")
endfunction()

# carafe_add_executable(<name> SOURCES <file>... LIBS <target>...)
#
# An installed program, built to <build>/bin. Without sources there is no such target.
function(carafe_add_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT arg_SOURCES)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_LIBS})
  install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()
