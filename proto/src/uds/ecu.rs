//! The ECU around a Secondary, as far as a diagnostic tester may touch it: services 11, 28, 29 and 85.

use uptane::Nonce;
use uptane::verify::proof::ProvenPrimary;
use uptane::verify::signature::BadSignature;

/// What a tester may have an ECU do. Nothing of it is signed, so a server passes it on only for a tester that has proven
/// to be the Primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// ECUReset (11).
    Reset(Reset),
    /// CommunicationControl (28): what of these messages goes on. Diagnostics always do.
    Communication(Traffic, Messages),
    /// ControlDTCSetting (85).
    DtcSetting(DtcSetting),
}

/// Which reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// As after power on.
    Hard,
    /// The application begins again.
    Soft,
}

/// Which directions are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Both: how an ECU begins, and what it returns to.
    Both,
    /// Received and not sent.
    ReceiveOnly,
    /// Sent and not received.
    SendOnly,
    /// Neither.
    Neither,
}

/// Which messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messages {
    /// Those of the application.
    Normal,
    /// Those of network management.
    NetworkManagement,
    /// All of them.
    All,
}

/// Whether faults are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtcSetting {
    /// They are: how an ECU begins, and what it returns to.
    On,
    /// The status of no trouble code changes.
    Off,
}

/// An ECU that takes such controls. What they mean is its own business; which tester may give them, and how long they
/// hold, is the server's.
///
/// # Security
/// [`challenge`](Self::challenge) must give what it never gave before, across resets too, and what nobody can foresee: a
/// proof that was recorded, or asked for in advance, would count otherwise.
pub trait Ecu {
    /// A new challenge; `None` if it cannot be made now.
    fn challenge(&mut self) -> Option<Nonce>;

    /// Verifies the proof of this ECU's Primary over a challenge ([`uptane::verify::proof::Challenge::verify`]).
    fn prove(&self, challenge: Nonce, proof: &[u8; 64]) -> Result<ProvenPrimary, BadSignature>;

    /// Whether this is possible now: an ECU that moves, or whose new image is on trial, may refuse a reset. What returns
    /// to [`Traffic::Both`] or [`DtcSetting::On`] at the end of a session is not asked about.
    fn permits(&self, control: Control) -> bool;

    /// Does it. A reset is asked for when its answer has been given to the carrier; the driver resets the ECU once that
    /// has left.
    fn obey(&mut self, control: Control);
}

impl Reset {
    /// Its sub-function.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Hard => 0x01,
            Self::Soft => 0x03,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::Hard, Self::Soft].into_iter().find(|reset| reset.code() == code)
    }
}

impl Traffic {
    /// Its sub-function.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Both => 0x00,
            Self::ReceiveOnly => 0x01,
            Self::SendOnly => 0x02,
            Self::Neither => 0x03,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        let mut all = [Self::Both, Self::ReceiveOnly, Self::SendOnly, Self::Neither].into_iter();
        all.find(|traffic| traffic.code() == code)
    }
}

impl Messages {
    /// The communication type, on all networks of the ECU.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Normal => 0x01,
            Self::NetworkManagement => 0x02,
            Self::All => 0x03,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::Normal, Self::NetworkManagement, Self::All].into_iter().find(|messages| messages.code() == code)
    }
}

impl DtcSetting {
    /// Its sub-function.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::On => 0x01,
            Self::Off => 0x02,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::On, Self::Off].into_iter().find(|setting| setting.code() == code)
    }
}
