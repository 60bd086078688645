#!/bin/busybox sh
# First program of the machine: loads the modules, makes the host's file system the root, and goes on there.
# The host's files are mounted read-only with a layer of memory over them: nothing can be altered.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do
    insmod "/modules/$module.ko" || echo "cannot load $module"
done </modules/order

seen="trans=virtio,version=9p2000.L,msize=524288"
mkdir -p /lower /layer /root
mount -t 9p -o "ro,cache=loose,$seen" host /lower || exec sh
mount -t tmpfs -o size=300m layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/lower,upperdir=/layer/upper,workdir=/layer/work root /root

for folder in proc sys dev run tmp dev/pts dev/shm; do mkdir -p "/root/$folder"; done
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t devtmpfs dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts -o ptmxmode=0666 pts /root/dev/pts
mount -t tmpfs shm /root/dev/shm
mount -t tmpfs run /root/run
mkdir /root/run/machine
mount -t 9p -o "$seen" share /root/run/machine
umount /proc /sys /dev
exec switch_root /root /bin/sh /run/machine/start
