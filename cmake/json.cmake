# Boost.JSON, compiled once. Rooms that may use it (state, control, image, security) name pausa_json
# among their LIBRARIES and include <boost/json.hpp>; none of them includes <boost/json/src.hpp>.
include_guard()
add_library(pausa_json STATIC ${CMAKE_CURRENT_LIST_DIR}/json.cpp)
target_compile_features(pausa_json PUBLIC cxx_std_20)
target_link_libraries(pausa_json PRIVATE pausa_flags)
