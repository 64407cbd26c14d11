# Sourced by examples/quickstart.sh and tests/run.sh: `install_dependencies` brings in what is missing here through
# apt-get, as root or with sudo, and where there is no apt-get it says which packages are missing and fails.

compiler() {
  local candidate
  for candidate in ${CXX:-} c++ g++ clang++; do
    if command -v "$candidate" >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

# Does a C++ program find this header, here or below CMAKE_PREFIX_PATH?
has_header() {
  local header=$1 prefix prefixes flags=(-I/usr/include/eigen3 -I/usr/local/include/eigen3)
  IFS=':;' read -r -a prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in ${prefixes[@]+"${prefixes[@]}"}; do
    flags+=("-I$prefix/include" "-I$prefix/include/eigen3")
  done
  printf '#if !__has_include(<%s>)\n#error missing\n#endif\n' "$header" |
    "$(compiler)" "${flags[@]}" -x c++ -E - >/dev/null 2>&1
}

# Debian's names of the packages that are missing, one per line.
missing_packages() {
  compiler >/dev/null || echo g++
  command -v cmake >/dev/null || echo cmake
  command -v ninja >/dev/null || command -v make >/dev/null || echo ninja-build
  local header package
  while read -r header package; do
    { compiler >/dev/null && has_header "$header"; } || echo "$package"
  done <<'LIST'
Eigen/Core libeigen3-dev
xtl/xtl_config.hpp xtl-dev
xtensor/xtensor_config.hpp libxtensor-dev
doctest/doctest.h doctest-dev
jpeglib.h libjpeg-dev
png.h libpng-dev
nlohmann/json.hpp nlohmann-json3-dev
CLI/CLI.hpp libcli11-dev
LIST
}

install_dependencies() {
  local missing as_root=()
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]} > 0)); then
    if ! command -v apt-get >/dev/null; then
      echo "This machine lacks ${missing[*]} (Debian's names) and has no apt-get: install them and start again." >&2
      return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
      if ! command -v sudo >/dev/null; then
        echo "Missing packages; run as root: apt-get install ${missing[*]}" >&2
        return 1
      fi
      as_root=(sudo)
    fi
    echo "Installing ${missing[*]}"
    ${as_root[@]+"${as_root[@]}"} apt-get update -qq
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    mapfile -t missing < <(missing_packages)
    if ((${#missing[@]} > 0)); then
      echo "Still missing after apt-get install: ${missing[*]}" >&2
      return 1
    fi
  fi

  local version
  version=$(cmake --version | sed -n '1s/[^0-9]*//p')
  if [ "$(printf '%s\n3.25\n' "$version" | sort -V | head -n 1)" != 3.25 ]; then
    echo "CMake $version is too old: pretext needs 3.25 or newer." >&2
    return 1
  fi
}

# Configures one build folder for the scripts: with Ninja where it is installed, otherwise with make, unless the
# folder has been configured before.
configure() {
  local source=$1 build=$2
  shift 2
  local generator=()
  if [ ! -e "$build/CMakeCache.txt" ]; then
    if command -v ninja >/dev/null; then generator=(-G Ninja); else generator=(-G "Unix Makefiles"); fi
  fi
  cmake -S "$source" -B "$build" ${generator[@]+"${generator[@]}"} "$@" >"$build.log" 2>&1 || {
    cat "$build.log" >&2
    return 1
  }
  rm -f "$build.log"
}
