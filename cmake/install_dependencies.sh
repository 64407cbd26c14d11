# Sourced by examples/quickstart.sh and tests/run.sh: `install_dependencies` brings in what is missing here through
# apt-get, as root or with sudo, and where there is no apt-get it says which packages are missing and fails.

has_compiler() {
  local candidate
  for candidate in ${CXX:-} c++ g++ clang++; do
    command -v "$candidate" >/dev/null && return
  done
  return 1
}

# Does a header lie where compilers look for it, or below CMAKE_PREFIX_PATH?
has_header() {
  local folder prefix prefixes folders=(/usr/include /usr/local/include /opt/homebrew/include)
  IFS=':;' read -r -a prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in ${prefixes[@]+"${prefixes[@]}"}; do
    folders+=("$prefix/include")
  done
  for folder in "${folders[@]}"; do
    if [ -e "$folder/$1" ] || [ -e "$folder/eigen3/$1" ]; then
      return
    fi
  done
  return 1
}

# Debian's names of the packages that are missing, one per line.
missing_packages() {
  has_compiler || echo g++
  command -v cmake >/dev/null || echo cmake
  command -v ninja >/dev/null || command -v make >/dev/null || echo ninja-build
  local header package
  while read -r header package; do
    has_header "$header" || echo "$package"
  done <<'LIST'
Eigen/Core libeigen3-dev
xtl xtl-dev
xtensor libxtensor-dev
doctest/doctest.h doctest-dev
jpeglib.h libjpeg-dev
png.h libpng-dev
nlohmann/json.hpp nlohmann-json3-dev
CLI/CLI.hpp libcli11-dev
LIST
}

# Installs the libraries of the optional components, and the compilers and the emulator of the tests of other platforms
# (230 MB), where apt-get can; without them their tests are skipped.
install_optional_dependencies() {
  local as_root=() compiler
  command -v apt-get >/dev/null || return 0
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || return 0
    as_root=(sudo)
  fi
  install_packages() {
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  }
  if ! { command -v pkg-config >/dev/null && has_header dcmtk/dcmdata/dcfilefo.h && has_header onnx/onnx_pb.h &&
    has_header hnswlib/hnswlib.h && pkg-config --exists libtiff-4 libwebp libwebpdemux libavformat libavcodec libswscale; }; then
    echo "Installing libtiff, libwebp, DCMTK, libav, ONNX and hnswlib, for the tests of optional components"
    install_packages pkg-config libtiff-dev libwebp-dev libdcmtk-dev libavformat-dev libavcodec-dev libswscale-dev \
      libonnx-dev libprotobuf-dev protobuf-compiler libhnswlib-dev ||
      echo "They could not be installed; the tests of the components tiff, webp, dicom, video, onnx and hnsw will be skipped." >&2
  fi
  if ! { command -v mpirun && command -v mpicxx; } >/dev/null; then
    echo "Installing Open MPI, for the tests of several ranks"
    install_packages openmpi-bin libopenmpi-dev ||
      echo "It could not be installed; the tests of several ranks will be skipped." >&2
  fi
  for compiler in aarch64-linux-gnu-g++ riscv64-linux-gnu-g++ x86_64-w64-mingw32-g++-posix qemu-aarch64-static; do
    command -v "$compiler" >/dev/null && continue
    echo "Installing cross compilers and qemu, for the tests of other platforms"
    install_packages g++-aarch64-linux-gnu g++-riscv64-linux-gnu g++-mingw-w64-x86-64-posix qemu-user-static ||
      echo "They could not be installed; the tests of other platforms will be skipped." >&2
    return 0
  done
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
  if [ "$(printf '%s\n3.25\n' "$version" | sort -V | sed -n 1p)" != 3.25 ]; then
    echo "CMake $version is too old: pretext needs 3.25 or newer." >&2
    return 1
  fi
}

# Configures one build folder for the scripts, which download the libraries that CMake does not find: with Ninja where it is installed, otherwise with make, unless the
# folder has been configured before.
configure() {
  local source=$1 build=$2
  shift 2
  local generator=()
  if [ ! -e "$build/CMakeCache.txt" ]; then
    if command -v ninja >/dev/null; then generator=(-G Ninja); else generator=(-G "Unix Makefiles"); fi
  fi
  cmake -S "$source" -B "$build" ${generator[@]+"${generator[@]}"} -DPRETEXT_DOWNLOAD=ON "$@" >"$build.log" 2>&1 || {
    cat "$build.log" >&2
    return 1
  }
  rm -f "$build.log"
}
