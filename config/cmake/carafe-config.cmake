# find_package(carafe) gives carafe::client. It needs no CAF.

include("${CMAKE_CURRENT_LIST_DIR}/library_dependencies.cmake")
if(carafe_missing_dependencies)
  list(JOIN carafe_missing_dependencies ", " carafe_NOT_FOUND_MESSAGE)
  set(carafe_NOT_FOUND_MESSAGE "carafe needs ${carafe_NOT_FOUND_MESSAGE}")
  set(carafe_FOUND FALSE)
  return()
endif()

include("${CMAKE_CURRENT_LIST_DIR}/carafe-targets.cmake")
