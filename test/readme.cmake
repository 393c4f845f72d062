# cmake -DCXX= -DEIGEN= -DSCRATCH_DIR= -P test/readme.cmake
#
# Fails when the C++ of the README does not compile: its blocks, each in a scope inside the one before, behind what they include.
cmake_minimum_required(VERSION 3.25)
get_filename_component(SOURCE_DIR ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)

file(READ ${SOURCE_DIR}/README.md rest)
set(fence "```cpp\n")
set(includes "")
set(body "")
set(close "")
string(FIND "${rest}" "${fence}" begin)
while(NOT begin EQUAL -1)
  string(LENGTH "${fence}" length)
  math(EXPR begin "${begin} + ${length}")
  string(SUBSTRING "${rest}" ${begin} -1 rest)
  string(FIND "${rest}" "\n```" end)
  string(SUBSTRING "${rest}" 0 ${end} block)
  string(REGEX MATCHALL "#include [<\"][^>\"]*[>\"]" of_block "${block}")  # without comments, which may have a ";"
  list(APPEND includes ${of_block})
  string(REGEX REPLACE "#include [^\n]*" "" block "${block}")
  string(REPLACE " = ...;" ";" block "${block}")  # what the reader is to fill in
  string(APPEND body "{\n${block}\n")
  string(APPEND close "}\n")
  string(FIND "${rest}" "${fence}" begin)
endwhile()
if(body STREQUAL "")
  message(FATAL_ERROR "found no C++ in README.md")
endif()

list(JOIN includes "\n" includes)
file(WRITE ${SCRATCH_DIR}/readme.cpp "${includes}\n\nint main() {\n${body}${close}}\n")
execute_process(COMMAND ${CXX} -std=c++20 -fsyntax-only -I${SOURCE_DIR} -isystem ${EIGEN} ${SCRATCH_DIR}/readme.cpp
                RESULT_VARIABLE result ERROR_VARIABLE errors)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${errors}")
endif()
