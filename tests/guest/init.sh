#!/bin/busybox sh
# What the machine does when it starts. On its first serial port it says how it is, on its second one it is asked.
#
# `mode=` on the kernel's command line says what is wanted:
#   probe   to start at all
#   new     a file system and a database on a disk that holds nothing, and transactions
#   work    transactions on what is there
#   check   what is there, and nothing else
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
# What is said there is for a program: nothing comes back that was not said here.
stty -F /dev/ttyS1 raw -echo
exec </dev/ttyS1 >/dev/ttyS1

over() {
    echo "over"
    poweroff -f
}

mode=$(sed 's/.*mode=\([a-z]*\).*/\1/' /proc/cmdline)
echo "up $mode"
[ "$mode" = probe ] && over

modprobe virtio_pci
modprobe virtio_blk
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    usleep 50000
done

if [ "$mode" = new ]; then
    /programs/mke2fs -q -F -t ext4 -O metadata_csum /dev/vda >/dev/ttyS0 2>&1 || { echo "no-file-system"; over; }
else
    # Mounting plays the journal of the file system back; after that not one thing may be left to mend.
    if ! mount -t ext4 /dev/vda /data 2>/dev/ttyS0; then echo "no-file-system"; over; fi
    umount /data
    /programs/e2fsck -f -n /dev/vda >/dev/ttyS0 2>&1
    echo "e2fsck $?"
fi
mount -t ext4 /dev/vda /data || { echo "no-file-system"; over; }

if [ "$mode" = new ]; then
    /programs/sqlite3 /data/ledger >/dev/ttyS0 2>&1 </ledger.sql || { echo "no-database"; over; }
elif [ ! -s /data/ledger ]; then
    echo "no-database"
    over
else
    echo "integrity $(/programs/sqlite3 /data/ledger 'PRAGMA integrity_check' 2>&1 | head -n 1)"
    echo "found $(/programs/sqlite3 -separator ' ' /data/ledger </found.sql 2>&1 | head -n 1)"
fi
if [ "$mode" != check ]; then
    echo "ready"
    # Each statement comes from the host, and is answered when it is committed.
    /programs/sqlite3 -batch -bail /data/ledger 2>/dev/ttyS0
fi
umount /data
over
