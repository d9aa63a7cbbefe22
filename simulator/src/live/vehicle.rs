//! Which ECUs a running vehicle has.

/// How a Secondary frames its CAN traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Classical CAN: 8 bytes a frame.
    Classical,
    /// CAN FD: 64 bytes a frame, with bit-rate switch.
    Fd,
}

/// How an ECU is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// The Primary itself.
    Primary,
    /// gRPC over TLS; full verification.
    Ethernet,
    /// ISO-TP over CAN; partial verification with PV+.
    Can {
        /// Classical or FD.
        framing: Framing,
        /// CAN id of what the Primary sends.
        request: u16,
        /// CAN id of what the Secondary sends.
        response: u16,
    },
    /// The same on classical CAN, of one that hears images together with others.
    CanGroup {
        /// CAN id of what the Primary sends.
        request: u16,
        /// CAN id of what the Secondary sends.
        response: u16,
        /// CAN id of what the Primary says to all of them.
        broadcast: u16,
        /// CAN id of what the Secondary answers to that.
        answer: u16,
    },
}

impl Connection {
    /// What the process of a Secondary on CAN is told, beside where its bus is.
    pub(super) fn options(self) -> Vec<String> {
        let told = |format: Framing, request, response| {
            let (request, response) = (format!("{request:#x}"), format!("{response:#x}"));
            vec![
                format!("--{}", format.word()),
                "--request-id".to_owned(),
                request,
                "--response-id".to_owned(),
                response,
            ]
        };
        match self {
            Self::Primary | Self::Ethernet => vec![],
            Self::Can { framing, request, response } => told(framing, request, response),
            Self::CanGroup { request, response, broadcast, .. } => {
                let heard = ["--broadcast-id".to_owned(), format!("{broadcast:#x}")];
                told(Framing::Classical, request, response).into_iter().chain(heard).collect()
            }
        }
    }

    /// How the Primary is told to reach a Secondary, which listens at `ethernet` if it is there.
    pub(super) fn address(self, ethernet: Option<&str>) -> Option<String> {
        match self {
            Self::Primary => None,
            Self::Ethernet => ethernet.map(str::to_owned),
            Self::Can { framing, request, response } => {
                Some(format!("can:{}:{request:#x}:{response:#x}", framing.word()))
            }
            Self::CanGroup { request, response, broadcast, answer } => {
                Some(format!("can:classical:{request:#x}:{response:#x}:{broadcast:#x}:{answer:#x}"))
            }
        }
    }
}

impl Framing {
    fn word(self) -> &'static str {
        match self {
            Self::Classical => "classical",
            Self::Fd => "fd",
        }
    }
}

/// One ECU of a vehicle.
#[derive(Clone, Copy, Debug)]
pub struct Ecu {
    /// Its id.
    pub id: &'static str,
    /// Its hardware id.
    pub hardware: &'static str,
    /// How it is reached.
    pub connection: Connection,
}

/// Where the CAN bus is, as `--can` says it: to one side of it the Primary is told, to the other the Secondaries.
#[derive(Clone, Debug)]
pub struct Wiring {
    /// Where the Primary is.
    pub primary: String,
    /// Where the Secondaries are.
    pub secondaries: String,
}

/// A gateway, a display on Ethernet, brakes on classical CAN, a battery controller on CAN FD.
pub const DEMO_VEHICLE: [Ecu; 4] = [
    Ecu { id: "gateway", hardware: "gateway-hw", connection: Connection::Primary },
    Ecu { id: "display", hardware: "display-hw", connection: Connection::Ethernet },
    Ecu {
        id: "brakes",
        hardware: "brakes-hw",
        connection: Connection::Can { framing: Framing::Classical, request: 0x7e0, response: 0x7e8 },
    },
    Ecu {
        id: "battery",
        hardware: "battery-hw",
        connection: Connection::Can { framing: Framing::Fd, request: 0x7e1, response: 0x7e9 },
    },
];
