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
