//! A PC that QEMU translates: slow, but for everybody, as it takes no virtualisation of the host.
//!
//! Its kernel first finds a file system in memory, with a BusyBox and the modules that it takes to reach the host's files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Kernel, text};
use crate::programs;

/// The Debian packages it takes, as `xtask/packages.toml` names them.
pub const PACKAGES: [&str; 4] = ["qemu-system-x86", "busybox-static", "iproute2", "kmod"];
/// Modules for CAN that Debian's kernel has beyond those of User-Mode-Linux.
pub(super) const CAN_MODULES: &str = "net/can/can-isotp";

/// Ends `command` with the machine, which starts `init`. What it says on its serial port goes to standard output.
pub(super) fn machine(command: &mut Command, kernel: &Kernel, folder: &Path, init: &Path) -> Result<()> {
    let first = first_files(kernel, folder, init)?;
    command.args([MACHINE, "-M", "q35,accel=tcg", "-cpu", "max", "-m", "1G", "-nodefaults", "-no-user-config"]);
    command.args(["-display", "none", "-no-reboot", "-serial", "stdio"]);
    command.arg("-kernel").arg(kernel.image()).arg("-initrd").arg(first);
    command.args(["-append", "quiet loglevel=1 console=ttyS0 panic=-1 random.trust_cpu=on"]);
    share(command, "root", "/", ",readonly=on");
    share(command, "folder", text(folder)?, "");
    Ok(())
}

/// Gives the machine a folder of the host under the name `tag`.
fn share(command: &mut Command, tag: &str, path: &str, options: &str) {
    let folder = format!("local,id={tag},path={path},security_model=none,multidevs=remap{options}");
    command.args(["-fsdev", &folder, "-device", &format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}")]);
}

/// Packs the file system in memory.
fn first_files(kernel: &Kernel, folder: &Path, init: &Path) -> Result<PathBuf> {
    let place = folder.join("first");
    for part in ["dev", "root", "modules"] {
        fs::create_dir_all(place.join(part))?;
    }
    let busybox = programs::output(Command::new("sh").args(["-c", "command -v busybox"]))?;
    fs::copy(busybox.trim(), place.join("busybox"))?;
    for module in MODULES {
        let name = Path::new(module).file_name().context("a module has a name")?;
        let from = kernel.modules().join("kernel").join(module);
        fs::copy(&from, place.join("modules").join(name)).with_context(|| format!("copying {}", from.display()))?;
    }
    fs::write(place.join("init"), root_script(folder, init)?)?;
    let pack = "chmod +x init && find . | busybox cpio -o -H newc >../first.cpio";
    programs::output(Command::new("sh").args(["-c", pack]).current_dir(&place))?;
    Ok(folder.join("first.cpio"))
}

/// The first program: the modules are loaded in the order in which they are listed.
fn root_script(folder: &Path, init: &Path) -> Result<String> {
    let names = MODULES.map(|module| module.rsplit_once('/').map_or(module, |(_, name)| name)).join(" ");
    let head = format!("folder='{}' init='{}' modules='{names}'", text(folder)?, text(init)?);
    let shell = "#!/busybox sh";
    Ok(format!("{shell}\n{head}\n{}", include_str!("../../socketcan/root.sh").trim_start_matches(shell)))
}

const MACHINE: &str = "qemu-system-x86_64";
/// What it takes to mount a folder of the host, each after those it needs.
const MODULES: [&str; 10] = [
    "drivers/virtio/virtio_ring.ko",
    "drivers/virtio/virtio.ko",
    "drivers/virtio/virtio_pci_modern_dev.ko",
    "drivers/virtio/virtio_pci_legacy_dev.ko",
    "drivers/virtio/virtio_pci.ko",
    "fs/netfs/netfs.ko",
    "fs/fscache/fscache.ko",
    "net/9p/9pnet.ko",
    "net/9p/9pnet_virtio.ko",
    "fs/9p/9p.ko",
];
