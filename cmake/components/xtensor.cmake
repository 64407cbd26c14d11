# Arrays of xtensor.
find_package(xtensor 0.24 QUIET GLOBAL)
pretext_component(xtensor LIBRARIES xtensor INCLUDES "xtensor/.*" PACKAGES "xtensor 0.24 or newer")
