# cmake -DBUILD_DIR= -DSOURCE_DIR= -DSCRATCH_DIR= -DCXX= -DCONFIG= -DGENERATOR= -DUSING=package|pkg-config -P run.cmake
#
# Installs the build to a scratch prefix, builds the example against that and runs it.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGV}: ${result}\n${output}${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

set(prefix ${SCRATCH_DIR}/prefix)
set(example ${SOURCE_DIR}/examples/train_eigen.cpp)
file(REMOVE_RECURSE ${SCRATCH_DIR})
file(MAKE_DIRECTORY ${SCRATCH_DIR})
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix})

if(USING STREQUAL "package")
  run(${CMAKE_COMMAND} -G ${GENERATOR} -S ${SOURCE_DIR}/test/install -B ${SCRATCH_DIR}/build -DCMAKE_PREFIX_PATH=${prefix}
      -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=${CONFIG} -DEXAMPLE=${example})
  run(${CMAKE_COMMAND} --build ${SCRATCH_DIR}/build)
  run(${SCRATCH_DIR}/build/train_eigen)
else()
  file(GLOB_RECURSE pc ${prefix}/sounder.pc)
  get_filename_component(pc_dir ${pc} DIRECTORY)
  set(ENV{PKG_CONFIG_PATH} ${pc_dir})
  run(pkg-config --cflags eigen3)
  set(eigen ${output})
  run(pkg-config --define-variable=prefix=${prefix} --cflags --libs --static sounder)
  separate_arguments(flags UNIX_COMMAND "${eigen} ${output}")
  run(${CXX} ${example} -o ${SCRATCH_DIR}/train_eigen ${flags})
  run(${SCRATCH_DIR}/train_eigen)
endif()
if(NOT output MATCHES "^accuracy (9[5-9]|100)\\.[0-9] %\n$")
  message(FATAL_ERROR "unexpected output: ${output}")
endif()
