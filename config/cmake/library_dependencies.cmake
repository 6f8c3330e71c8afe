# What the client library links. The build includes this file, and so does the installed package:
# the two cannot drift apart.

# carafe_import(<name> HEADER <header> LIBRARIES <library>... PACKAGE <debian package>)
# gives the imported target carafe_dep::<name>. What is missing is listed in
# carafe_missing_dependencies, so that the includer can word the error.
function(carafe_import name)
  cmake_parse_arguments(arg "" "HEADER;PACKAGE;PREFIX" "LIBRARIES" ${ARGN})
  if(TARGET carafe_dep::${name})
    return()
  endif()
  if(arg_PREFIX)
    set(where PATHS "${arg_PREFIX}" NO_DEFAULT_PATH)
  else()
    set(where)
  endif()
  set(missing)
  set(paths)
  find_path(CARAFE_${name}_INCLUDE_DIR "${arg_HEADER}" ${where} PATH_SUFFIXES include)
  mark_as_advanced(CARAFE_${name}_INCLUDE_DIR)
  if(NOT CARAFE_${name}_INCLUDE_DIR)
    list(APPEND missing "<${arg_HEADER}>")
  endif()
  foreach(library IN LISTS arg_LIBRARIES)
    find_library(CARAFE_${library}_LIBRARY "${library}" ${where} PATH_SUFFIXES lib)
    mark_as_advanced(CARAFE_${library}_LIBRARY)
    if(CARAFE_${library}_LIBRARY)
      list(APPEND paths "${CARAFE_${library}_LIBRARY}")
    else()
      list(APPEND missing "lib${library}")
    endif()
  endforeach()
  if(missing)
    list(JOIN missing ", " missing)
    list(APPEND carafe_missing_dependencies "${missing} (${arg_PACKAGE})")
    set(carafe_missing_dependencies "${carafe_missing_dependencies}" PARENT_SCOPE)
    return()
  endif()
  add_library(carafe_dep::${name} INTERFACE IMPORTED)
  set_target_properties(carafe_dep::${name} PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${CARAFE_${name}_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${paths}")
endfunction()

set(carafe_missing_dependencies)

# Cap'n Proto's own CMake package would also demand OpenSSL's development files.
carafe_import(capnp HEADER capnp/message.h LIBRARIES capnp kj PACKAGE libcapnp-dev)
carafe_import(lz4 HEADER lz4frame.h LIBRARIES lz4 PACKAGE liblz4-dev)
carafe_import(zstd HEADER zstd.h LIBRARIES zstd PACKAGE libzstd-dev)
carafe_import(isal HEADER isa-l/crc.h LIBRARIES isal PACKAGE libisal-dev)

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads QUIET)
if(NOT Threads_FOUND)
  list(APPEND carafe_missing_dependencies "threads (libc6-dev)")
endif()
