#!/bin/sh
# Install the system libraries that Qt and OpenGL need on Linux, and Xvfb where there is no display.
# Does nothing when they are there. Without root or apt-get it prints what to type; it then fails
# only if nothing could be drawn at all.
set -u
[ "$(uname -s)" = Linux ] || exit 0

# Debian package and the library by which one sees that it is there.
libraries="
libgl1 libGL.so.1
libegl1 libEGL.so.1
libglx-mesa0 libGLX_mesa.so.0
libglu1-mesa libGLU.so.1
libdbus-1-3 libdbus-1.so.3
libfontconfig1 libfontconfig.so.1
libglib2.0-0 libglib-2.0.so.0
libx11-xcb1 libX11-xcb.so.1
libxkbcommon-x11-0 libxkbcommon-x11.so.0
libxcb-cursor0 libxcb-cursor.so.0
libxcb-icccm4 libxcb-icccm.so.4
libxcb-image0 libxcb-image.so.0
libxcb-keysyms1 libxcb-keysyms.so.1
libxcb-render-util0 libxcb-render-util.so.0
libxcb-shape0 libxcb-shape.so.0
libxcb-xinerama0 libxcb-xinerama.so.0
libxcb-xkb1 libxcb-xkb.so.1
"

PATH="$PATH:/sbin:/usr/sbin"
known=$(ldconfig -p)
missing=$(echo "$libraries" | while read -r package library; do
    [ -z "$package" ] || echo "$known" | grep -qF "$library" || echo "$package"
done)
# Drivers are loaded by name and stand in no list of libraries.
dpkg -s libgl1-mesa-dri >/dev/null 2>&1 || [ -e /usr/lib64/dri ] || [ -e /usr/lib/dri ] ||
    missing="$missing libgl1-mesa-dri"
if [ -z "${DISPLAY:-}" ]; then
    command -v xvfb-run >/dev/null || missing="$missing xvfb"
    command -v xauth >/dev/null || missing="$missing xauth"
fi
missing=$(echo $missing)
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends $missing"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update && $install && exit 0
fi
echo "napari needs system packages that are missing. Type:  sudo $install" >&2
[ -n "${DISPLAY:-}" ] || command -v xvfb-run >/dev/null || exit 1
