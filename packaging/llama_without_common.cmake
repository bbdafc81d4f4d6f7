# Included by CMake right after llama.cpp's own project() line (CMAKE_PROJECT_llama.cpp_INCLUDE).
# llama-cpp-python forces llama-common on in the cache; nothing of it is used from Python, and it is two fifths
# of the compilation. A normal variable of this directory hides the cache's value (policy CMP0077).
set(LLAMA_BUILD_COMMON OFF)
