# Imported targets for everything that comes from outside, each defined once.
# docs/dependencies.md gives version, licence and reason of each, and who may include it.

include(library_dependencies)

# Debian ships no CAFConfig.cmake.
carafe_import(caf_core HEADER caf/actor_system.hpp LIBRARIES caf_core PACKAGE libcaf-dev)
carafe_import(caf_io HEADER caf/io/middleman.hpp LIBRARIES caf_io PACKAGE libcaf-dev)
carafe_import(caf_openssl HEADER caf/openssl/manager.hpp LIBRARIES caf_openssl PACKAGE libcaf-dev)
carafe_import(lmdb HEADER lmdb.h LIBRARIES lmdb PACKAGE liblmdb-dev)
carafe_import(libedit HEADER histedit.h LIBRARIES edit PACKAGE libedit-dev)
carafe_import(cli11 HEADER CLI/CLI.hpp PACKAGE libcli11-dev)
carafe_import(json HEADER nlohmann/json.hpp PACKAGE nlohmann-json3-dev)
carafe_import(date HEADER date/tz.h LIBRARIES date-tz PACKAGE libhowardhinnant-date-dev)
carafe_import(pegtl HEADER tao/pegtl.hpp PACKAGE tao-pegtl-dev)

# libraft is built from a pinned source by `./dev build`: another version may lie in /usr.
if(DEFINED ENV{CARAFE_DEPS_DIR})
  set(carafe_deps_dir "$ENV{CARAFE_DEPS_DIR}")
else()
  set(carafe_deps_dir "$ENV{HOME}/.cache/carafe")
endif()
set(CARAFE_RAFT_DIR "${carafe_deps_dir}/raft-0.22.1"
    CACHE PATH "Folder with include/raft.h and lib/libraft.a of libraft 0.22.1")
carafe_import(raft PREFIX "${CARAFE_RAFT_DIR}" HEADER raft.h LIBRARIES raft
              PACKAGE "built by ./dev build")

if(TARGET carafe_dep::date)
  # As Debian built it: the system's time zones, and nothing fetched from anywhere.
  set_property(TARGET carafe_dep::date PROPERTY
               INTERFACE_COMPILE_DEFINITIONS USE_OS_TZDB=1 ONLY_C_LOCALE=1 HAS_STRING_VIEW=1)
endif()
if(TARGET carafe_dep::caf_io)
  set_property(TARGET carafe_dep::caf_core APPEND PROPERTY
               INTERFACE_LINK_LIBRARIES Threads::Threads)
  set_property(TARGET carafe_dep::caf_io APPEND PROPERTY
               INTERFACE_LINK_LIBRARIES carafe_dep::caf_core)
  set_property(TARGET carafe_dep::caf_openssl APPEND PROPERTY
               INTERFACE_LINK_LIBRARIES carafe_dep::caf_io)
endif()

find_program(CARAFE_CAPNP capnp)
find_program(CARAFE_CAPNPC_CXX capnpc-c++)
if(NOT CARAFE_CAPNP OR NOT CARAFE_CAPNPC_CXX)
  list(APPEND carafe_missing_dependencies "capnp (capnproto)")
endif()

if(carafe_missing_dependencies)
  list(JOIN carafe_missing_dependencies "\n  " carafe_missing_lines)
  message(FATAL_ERROR
    "Not found:\n  ${carafe_missing_lines}\n"
    "`./dev build` installs what is missing; the Debian package is named in brackets.")
endif()
