//! The socket itself.

use std::fs;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBufForce, RxqOvfl};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg, setsockopt, socket,
};
use proto::can::Format;
use socketcan::socket::{CAN_RAW_FD_FRAMES, SOL_CAN_RAW};
use socketcan::{CanAddr, CanFdSocket, Socket as _, SocketOptions as _};
use tokio::io::Interest as Readiness;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

use super::errors;
use super::layout::{Bytes, FD, filter};
use crate::can::Interest;

/// A socket that is bound to an interface which was up.
#[derive(Debug)]
pub(super) struct Raw {
    socket: AsyncFd<CanFdSocket>,
    /// Frames the kernel dropped because we were slow, as it counted when it last told (modulo 2^32).
    dropped: u32,
}

/// What came at once.
#[derive(Debug)]
pub(super) struct Heard {
    /// How many frames were dropped before this one, if any.
    pub(super) lost: Option<u32>,
    pub(super) bytes: Bytes,
}

/// Why there is no socket.
#[derive(Debug)]
pub(super) enum Refused {
    /// The interface is down.
    Down,
    /// It carries classical frames only.
    NoFd,
    /// There is none of this name, or it is not CAN.
    NoInterface,
    System(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        match errno(&error) {
            Some(Errno::ENODEV | Errno::ENXIO) => Self::NoInterface,
            _ => Self::System(error),
        }
    }
}

impl From<Errno> for Refused {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}

impl Raw {
    /// Everything is set before the socket is bound: no frame comes that was not asked for.
    pub(super) fn open(interface: &str, interest: &Interest) -> Result<Self, Refused> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let descriptor = socket(AddressFamily::Can, SockType::Raw, flags, SockProtocol::CanRaw)?;
        widen(&descriptor)?;
        let socket = CanFdSocket::from(descriptor);
        socket.set_socket_option_int(SOL_CAN_RAW, CAN_RAW_FD_FRAMES, 1)?;
        socket.set_filters(&interest.identifiers.iter().map(|id| filter(*id)).collect::<Vec<_>>())?;
        socket.set_error_filter(errors::CLASSES)?;
        // Others on this machine hear us; we do not hear ourselves.
        socket.set_recv_own_msgs(false)?;
        socket.as_raw_socket().set_send_buffer_size(SEND_BUFFER)?;
        let address = CanAddr::from_iface(interface)?;
        if interest.format == Format::Fd && !carries_fd(interface) {
            return Err(Refused::NoFd);
        }
        socket.as_raw_socket().bind(&address.into_sock_addr())?;
        // Binding to an interface that is down succeeds; the error waits in the socket.
        match socket.as_raw_socket().take_error()? {
            Some(error) if is_down(&error) => Err(Refused::Down),
            Some(error) => Err(error.into()),
            None => Ok(Self { socket: watched(socket)?, dropped: 0 }),
        }
    }

    /// Waits until the kernel takes the frame. A full queue of the interface shows as `ENOBUFS` and cannot be waited for, so
    /// it is asked again, less and less often.
    pub(super) async fn send(&self, bytes: &Bytes) -> io::Result<()> {
        let mut pause = FIRST_PAUSE;
        loop {
            let send = |socket: &CanFdSocket| socket.as_raw_socket().send(bytes.as_slice());
            match self.socket.async_io(WRITABLE, send).await {
                Err(error) if errno(&error) == Some(Errno::ENOBUFS) => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LAST_PAUSE);
                }
                sent => return sent.map(drop),
            }
        }
    }

    /// Waits for the next frame.
    pub(super) async fn receive(&mut self) -> io::Result<Heard> {
        let (bytes, dropped) = self.socket.async_io(READABLE, receive).await?;
        let lost = dropped.map(|count| count.wrapping_sub(self.dropped)).filter(|lost| *lost > 0);
        self.dropped = dropped.unwrap_or(self.dropped);
        Ok(Heard { lost, bytes })
    }
}

/// The socket, with the runtime told when it can be read and written.
#[expect(deprecated, reason = "its successor asks, by `unsafe`, for a type that owns its descriptor, as this one does")]
fn watched(socket: CanFdSocket) -> io::Result<AsyncFd<CanFdSocket>> {
    AsyncFd::with_interest(socket, READABLE.add(WRITABLE))
}

/// Makes room for what comes while this process does something else, as much of it as the kernel grants, and has the kernel
/// count what finds no room.
fn widen(descriptor: &OwnedFd) -> Result<(), Errno> {
    setsockopt(descriptor, RxqOvfl, &1)?;
    match setsockopt(descriptor, RcvBufForce, &RECEIVE_BUFFER) {
        Ok(()) => Ok(()),
        // Without the privilege there is a limit (`net.core.rmem_max`).
        Err(_) => setsockopt(descriptor, nix::sys::socket::sockopt::RcvBuf, &RECEIVE_BUFFER),
    }
}

/// A frame, and how many were dropped so far if that is not none.
fn receive(socket: &CanFdSocket) -> io::Result<(Bytes, Option<u32>)> {
    let mut bytes = [0; FD];
    let mut control = nix::cmsg_space!(u32);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT)?;
    let len = message.bytes;
    let dropped = message.cmsgs()?.find_map(|told| {
        let ControlMessageOwned::RxqOvfl(count) = told else { return None };
        Some(count)
    });
    Ok((Bytes::received(bytes, len), dropped))
}

/// Whether frames of an interface may be FD. Where the system does not say, sending will show.
fn carries_fd(interface: &str) -> bool {
    let told = fs::read_to_string(format!("/sys/class/net/{interface}/mtu"));
    let mtu = told.ok().and_then(|text| text.trim().parse::<usize>().ok());
    mtu.is_none_or(|mtu| mtu >= FD)
}

/// Whether the error says that the interface is down or gone.
pub(super) fn is_down(error: &io::Error) -> bool {
    matches!(errno(error), Some(Errno::ENETDOWN | Errno::ENODEV | Errno::ENXIO))
}

fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw)
}

/// Errors count as well: that the interface is gone shows in nothing else.
const READABLE: Readiness = Readiness::READABLE.add(Readiness::ERROR);
const WRITABLE: Readiness = Readiness::WRITABLE.add(Readiness::ERROR);
/// Room for frames that were not yet read, as the kernel counts: some 750 bytes for each. It doubles the number.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
/// Room for frames that were not yet sent; the kernel raises it to its least, enough for five or six.
const SEND_BUFFER: usize = 1;
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_millis(16);
