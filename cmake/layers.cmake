# The one table of rooms (docs/architecture.md): a room may include itself and the rooms named
# here, nothing else. CMake links by it and scripts/check-layers reads it, so keep one room a line.
include_guard()

function(pausa_layer room)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  set_property(GLOBAL PROPERTY PAUSA_LAYER_${room} "${ARG_DEPENDS}")
  set_property(GLOBAL APPEND PROPERTY PAUSA_LAYERS ${room})
endfunction()

# rank 0
pausa_layer(sys)
pausa_layer(pod)
# rank 1
pausa_layer(manifest DEPENDS pod)
pausa_layer(state DEPENDS sys pod)
pausa_layer(control DEPENDS sys pod)
pausa_layer(cgroup DEPENDS sys)
pausa_layer(image DEPENDS sys)
pausa_layer(rootfs DEPENDS sys)
pausa_layer(security DEPENDS sys)
pausa_layer(net DEPENDS sys)
pausa_layer(log DEPENDS sys)
pausa_layer(unpack DEPENDS sys)
pausa_layer(tls DEPENDS sys)
# rank 2
pausa_layer(infra DEPENDS sys)
pausa_layer(launch DEPENDS sys pod rootfs security)
# rank 3
pausa_layer(supervisor DEPENDS sys pod manifest state control cgroup image rootfs security net log infra launch)
# rank 4
pausa_layer(cli DEPENDS sys pod manifest state control image net log cgroup launch security infra supervisor)

# pausa_room(NAME SOURCES a.cpp … [LIBRARIES yaml-cpp …]) makes the static library pausa_NAME and
# links it with the rooms that the table allows. LIBRARIES are third-party and stay private.
function(pausa_room room)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  get_property(rooms GLOBAL PROPERTY PAUSA_LAYERS)
  if(NOT room IN_LIST rooms)
    message(FATAL_ERROR "room ${room} is not in cmake/layers.cmake")
  endif()
  get_property(depends GLOBAL PROPERTY PAUSA_LAYER_${room})
  add_library(pausa_${room} STATIC ${ARG_SOURCES})
  target_include_directories(pausa_${room} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(pausa_${room} PUBLIC pausa_flags)
  foreach(dependency IN LISTS depends)
    target_link_libraries(pausa_${room} PUBLIC $<TARGET_NAME_IF_EXISTS:pausa_${dependency}>)
  endforeach()
  target_link_libraries(pausa_${room} PRIVATE ${ARG_LIBRARIES})
endfunction()

# Files that run between clone and exec: no exceptions, no RTTI, no stack protector (its canary
# lives in a TLS block that a raw clone leaves behind). scripts/check-child-zone proves the rest.
function(pausa_child_zone)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS
    "-fno-exceptions;-fno-rtti;-fno-stack-protector;-fno-sanitize=all;-U_FORTIFY_SOURCE")
endfunction()
