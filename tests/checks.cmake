# Checks of the source itself, as tests. They look at the tree, so one build folder runs them; exit
# code 77 means "cannot be checked here", with the reason printed.
function(pausa_check name)
  add_test(NAME check/${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(check/${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900)
endfunction()

if(NOT PAUSA_SANITIZE)
  pausa_check(layers scripts/check-layers)
  pausa_check(format scripts/format --check)
  pausa_check(scripts scripts/check-scripts)
  pausa_check(behaviours scripts/check-behaviours)
  pausa_check(child-zone scripts/check-child-zone ${PROJECT_BINARY_DIR})
endif()
