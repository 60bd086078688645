# Second program of the machine, run by the host's own shell as process 1: device manager, command, result, end.
. /run/machine/environment
box() { "$PARTS/busybox" "$@"; }

box hostname machine
box ip link set lo up

# The device manager of the distribution, with its own rules. Rules of the host play no part.
mkdir -p /usr/lib/udev /etc/udev
box mount -o bind "$PARTS/unpacked/lib/udev" /usr/lib/udev
box mount -t tmpfs rules /etc/udev
mkdir /etc/udev/rules.d
# Its libraries need not be on the host.
export LD_LIBRARY_PATH="$(echo "$PARTS"/unpacked/lib/*-linux-gnu "$PARTS"/unpacked/usr/lib/*-linux-gnu | box tr ' ' ':')"
export PATH="/run/bin:$PATH"
mkdir /run/bin
box cp "$PARTS"/unpacked/bin/udevadm /run/bin/udevadm
box cp /run/bin/udevadm /run/bin/systemd-udevd
systemd-udevd --daemon >/dev/null 2>&1
udevadm trigger --action=add
udevadm settle

# Through a pipe, so that programs do not take the console for somebody's screen.
{ sh /run/machine/command; echo $? >/run/machine/code; } </dev/null 2>&1 | box cat
box dmesg >/run/machine/results/kernel.log
sync
echo 0 >/proc/sys/kernel/printk
box reboot -f
