#!/bin/sh
# The plugin in Debian trixie, whose GStreamer 1.26 has GstAnalytics: `cargo xtask trixie` builds it and runs this, as root.
#
#     tests/trixie/run.sh PLUGIN LIBTORCH FOLDER
#
# PLUGIN is libgstsa3.so, LIBTORCH the folder of libtorch's libraries. FOLDER keeps the root (1.3 GB, made once in some
# minutes) and gets the pictures that objectdetectionoverlay drew. SA3_DEBIAN_MIRROR names a mirror; without it the one
# that apt uses here is taken.
set -eu

# What the root has beside a minimal system.
PACKAGES="gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    python3-gst-1.0 gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0"

fail() {
    echo "error: $1" >&2
    exit 1
}

[ $# -eq 3 ] || fail "usage: $0 PLUGIN LIBTORCH FOLDER"
[ "$(id -u)" = 0 ] || fail "debootstrap and chroot need root: run \`cargo xtask trixie\` as root"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
PLUGIN=$(readlink -f "$1")
LIBTORCH=$(readlink -f "$2")
[ -f "$PLUGIN" ] || fail "$1 is not there: cargo xtask build"
[ -f "$LIBTORCH/libtorch_cpu.so" ] || fail "$2 has no libtorch_cpu.so: cargo xtask setup"
mkdir -p "$3"
FOLDER=$(readlink -f "$3")
ROOT=$FOLDER/root
SOURCE=$(dirname "$(readlink -f "$0")")

# The first archive of Debian itself that apt knows here.
mirror() {
    if [ -n "${SA3_DEBIAN_MIRROR:-}" ]; then
        echo "$SA3_DEBIAN_MIRROR"
    else
        apt-get indextargets --format '$(LABEL) $(CREATED_BY) $(REPO_URI)' | sed -n 's/^Debian Packages //p' | head -n 1
    fi
}

make_root() {
    MIRROR=$(mirror)
    [ -n "$MIRROR" ] || fail "apt here knows no mirror of Debian: run apt-get update, or set SA3_DEBIAN_MIRROR"
    echo "trixie  a new root in $ROOT, from $MIRROR; the log is $FOLDER/root.log"
    rm -rf --one-file-system "$ROOT"
    debootstrap --variant=minbase --include=ca-certificates trixie "$ROOT" "$MIRROR" >"$FOLDER/root.log" 2>&1 ||
        fail "debootstrap failed; see $FOLDER/root.log"
    # shellcheck disable=SC2086
    chroot "$ROOT" sh -c 'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"' \
        sh $PACKAGES >>"$FOLDER/root.log" 2>&1 || fail "the packages cannot be installed; see $FOLDER/root.log"
    touch "$ROOT/sa3-is-ready"
}

# In a mount namespace of its own, so that nothing stays mounted whatever happens.
in_root() {
    # shellcheck disable=SC2016
    unshare --mount sh -euc '
        root=$1 plugin=$2 libtorch=$3 source=$4 pictures=$5
        shift 5
        mkdir -p "$root/sa3/plugin" "$root/sa3/libtorch" "$root/sa3/source" "$root/sa3/pictures"
        : >"$root/sa3/plugin/libgstsa3.so"
        mount --bind "$plugin" "$root/sa3/plugin/libgstsa3.so"
        mount --bind "$libtorch" "$root/sa3/libtorch"
        mount --bind "$source" "$root/sa3/source"
        mount --bind "$pictures" "$root/sa3/pictures"
        mount -t proc proc "$root/proc"
        exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
            GST_PLUGIN_PATH=/sa3/plugin LD_LIBRARY_PATH=/sa3/libtorch "$@"
    ' sh "$ROOT" "$PLUGIN" "$LIBTORCH" "$SOURCE" "$FOLDER/pictures" "$@"
}

[ -e "$ROOT/sa3-is-ready" ] || make_root
mkdir -p "$FOLDER/pictures"
echo "trixie  $(in_root gst-inspect-1.0 --version | sed -n "s,^GStreamer ,GStreamer ,p")"
in_root python3 /sa3/source/read_back.py /sa3/pictures
in_root sh /sa3/source/leaks.sh
echo "trixie  ok; what objectdetectionoverlay drew is in $FOLDER/pictures"
