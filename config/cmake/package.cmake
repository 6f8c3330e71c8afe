# What `cmake --install` lays down besides the programs: the client library as a CMake package
# (`find_package(carafe)`, target carafe::client) and the annotated configuration.

include(CMakePackageConfigHelpers)

set(carafe_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/carafe")

set_target_properties(carafe_schema PROPERTIES EXPORT_NAME schema)
set_target_properties(carafe_client PROPERTIES EXPORT_NAME client)
install(TARGETS carafe_schema carafe_client EXPORT carafe_targets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT carafe_targets NAMESPACE carafe:: FILE carafe-targets.cmake
        DESTINATION "${carafe_package_dir}")

write_basic_package_version_file("${PROJECT_BINARY_DIR}/carafe-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES
          "${PROJECT_SOURCE_DIR}/config/cmake/carafe-config.cmake"
          "${PROJECT_SOURCE_DIR}/config/cmake/library_dependencies.cmake"
          "${PROJECT_BINARY_DIR}/carafe-config-version.cmake"
        DESTINATION "${carafe_package_dir}")

if(EXISTS "${PROJECT_SOURCE_DIR}/config/carafed.conf")
  install(FILES "${PROJECT_SOURCE_DIR}/config/carafed.conf"
          DESTINATION "${CMAKE_INSTALL_SYSCONFDIR}/carafe")
endif()
