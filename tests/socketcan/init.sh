#!/bin/bash
# The first process inside the guest that has the host's files: makes CAN interfaces, runs the script of the test, ends the
# guest.
#
# $folder, $modules, $more and $interfaces are set in the lines before this file.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec </dev/null >"$folder/boot.log" 2>&1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
ln -sfn /proc/self/fd /dev/fd

ready=yes
for module in net/can/can net/can/can-raw drivers/net/can/dev/can-dev drivers/net/can/vcan net/sched/sch_netem $more; do
    insmod "$modules/kernel/$module.ko" || ready=no
done
for ((i = 0; i < interfaces; i++)); do
    # An MTU of 72 is what makes an interface carry CAN FD.
    ip link add dev "vcan$i" type vcan && ip link set "vcan$i" mtu 72 up || ready=no
done
ip link set lo up || ready=no

if [ $ready = yes ]; then
    cd "$folder" && bash "$folder/script" >"$folder/output" 2>"$folder/errors"
    echo $? >"$folder/status"
fi
sync
# The first process must not end; reboot(2), number 169 on this processor, switches the guest off.
perl -e 'syscall(169, 0xfee1dead, 672274793, 0x4321fedc, 0)'
