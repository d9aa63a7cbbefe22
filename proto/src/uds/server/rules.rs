//! Which service works where, and for whom: the table of `docs/can.md`.

use crate::uds::codec::service;

/// The rules of one service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    service: u8,
    pub(super) sessions: Sessions,
    /// It is the ECU's: a server whose handler has none does not know it.
    pub(super) of_ecu: bool,
    /// It carries no signature of its own, so the tester must be the Primary.
    pub(super) guarded: bool,
    /// It may be asked of all ECUs at once.
    pub(super) functional: bool,
    /// Its first parameter is a sub-function.
    pub(super) sub_function: bool,
}

/// In which sessions a service works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sessions {
    All,
    AllButDefault,
    Programming,
}

impl Rules {
    /// Those of a service; `None` if there is no such service.
    pub(super) fn of(service: u8) -> Option<&'static Self> {
        TABLE.iter().find(|rules| rules.service == service)
    }

    /// Of a service for everybody, in every session, addressed to one ECU or to all.
    const fn open(service: u8) -> Self {
        Self { service, sessions: Sessions::All, of_ecu: false, guarded: false, functional: true, sub_function: true }
    }

    /// Of a service of the programming session.
    const fn programming(service: u8) -> Self {
        Self { sessions: Sessions::Programming, functional: false, sub_function: false, ..Self::open(service) }
    }

    /// Of a service that controls the ECU.
    const fn control(service: u8, sessions: Sessions) -> Self {
        Self { sessions, of_ecu: true, guarded: true, ..Self::open(service) }
    }
}

const TABLE: [Rules; 12] = [
    Rules::open(service::SESSION),
    Rules::control(service::RESET, Sessions::All),
    Rules { sub_function: false, ..Rules::open(service::READ) },
    Rules::control(service::COMMUNICATION, Sessions::AllButDefault),
    Rules { of_ecu: true, functional: false, ..Rules::open(service::AUTHENTICATION) },
    Rules { functional: false, sub_function: false, ..Rules::open(service::WRITE) },
    Rules { sub_function: true, ..Rules::programming(service::ROUTINE) },
    Rules::programming(service::DOWNLOAD),
    Rules::programming(service::DATA),
    Rules::programming(service::EXIT),
    Rules::open(service::PRESENT),
    Rules::control(service::DTC_SETTING, Sessions::AllButDefault),
];
