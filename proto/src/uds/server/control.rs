//! What the ECU itself is told: 11, 28 and 85. Only the Primary gets there, by 29.

use super::{Call, Server, Work};
use crate::moment::Moment;
use crate::uds::answer::{Outcome, exactly};
use crate::uds::codec::{Nrc, POSITIVE, Writer, service};
use crate::uds::{Control, DtcSetting, Ecu, Messages, Reset, Traffic};

impl<const GROUP: bool> Server<GROUP> {
    /// The services that an ECU has where it may be reset or silenced.
    pub(super) fn control(
        &mut self,
        call: Call<'_>,
        now: Moment,
        ecu: &mut dyn Ecu,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        match call.service {
            service::AUTHENTICATION => self.authenticate(call, now, ecu, writer),
            service::RESET => self.reset(call, ecu, writer),
            service::COMMUNICATION => self.communication(call, ecu, writer),
            service::DTC_SETTING => self.dtc_setting(call, ecu, writer),
            _ => Err(Nrc::ServiceNotSupported.into()),
        }
    }

    /// The response leaves first; the ECU is told when the server is polled after that.
    fn reset(&mut self, call: Call<'_>, ecu: &mut dyn Ecu, writer: &mut Writer<'_>) -> Outcome {
        let reset = Reset::from_code(call.sub).ok_or(Nrc::SubFunctionNotSupported)?;
        let [] = exactly(call.record)?;
        permitted(ecu, Control::Reset(reset))?;
        self.pending = Some(Work::Reset(reset));
        accept(call, writer)
    }

    fn communication(&mut self, call: Call<'_>, ecu: &mut dyn Ecu, writer: &mut Writer<'_>) -> Outcome {
        let traffic = Traffic::from_code(call.sub).ok_or(Nrc::SubFunctionNotSupported)?;
        let [messages] = exactly(call.record)?;
        let messages = Messages::from_code(messages).ok_or(Nrc::RequestOutOfRange)?;
        self.restrain(Control::Communication(traffic, messages), ecu)?;
        accept(call, writer)
    }

    fn dtc_setting(&mut self, call: Call<'_>, ecu: &mut dyn Ecu, writer: &mut Writer<'_>) -> Outcome {
        let setting = DtcSetting::from_code(call.sub).ok_or(Nrc::SubFunctionNotSupported)?;
        if !call.record.is_empty() {
            // An option record that names some trouble codes; here it is all of them.
            return Err(Nrc::RequestOutOfRange.into());
        }
        self.restrain(Control::DtcSetting(setting), ecu)?;
        accept(call, writer)
    }

    /// Tells the ECU, and remembers that it was told.
    fn restrain(&mut self, control: Control, ecu: &mut dyn Ecu) -> Outcome {
        permitted(ecu, control)?;
        ecu.obey(control);
        self.restrained = true;
        Ok(())
    }
}

fn permitted(ecu: &dyn Ecu, control: Control) -> Outcome {
    ecu.permits(control).then_some(()).ok_or(Nrc::ConditionsNotCorrect.into())
}

fn accept(call: Call<'_>, writer: &mut Writer<'_>) -> Outcome {
    writer.put(&[call.service + POSITIVE, call.sub]);
    Ok(())
}
