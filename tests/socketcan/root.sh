#!/busybox sh
# The first process inside QEMU's guest: goes on with init.sh in the host's files, of which it can write those in $folder.
#
# $folder, $init and $modules are set in the lines before this file.
end() {
    echo "$1"
    /busybox poweroff -f
}
share="trans=virtio,version=9p2000.L,msize=512000,cache=mmap"

/busybox mount -t devtmpfs dev /dev
for module in $modules; do
    /busybox insmod "/modules/$module" || end "cannot load $module"
done
/busybox mount -t 9p -o "$share,ro" root /root || end "cannot mount the host's files"
/busybox mount -t 9p -o "$share,rw" folder "/root$folder" || end "cannot mount $folder"
exec /busybox switch_root /root "$init"
