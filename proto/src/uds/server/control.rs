//! What the ECU itself is told: 11, 28 and 85. Only the Primary gets here.

use super::{Call, Handler, Server, Work};
use crate::uds::answer::{Failure, Outcome, exactly};
use crate::uds::codec::{Nrc, POSITIVE, Writer};
use crate::uds::{Control, DtcSetting, Ecu, Messages, Reset, Traffic};

impl Server {
    /// The response leaves first; the ECU is told when the server is polled after that.
    pub(super) fn reset(&mut self, call: Call<'_>, handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let reset = Reset::from_code(call.sub).ok_or(Nrc::SubFunctionNotSupported)?;
        let [] = exactly(call.record)?;
        permitted(handler, Control::Reset(reset))?;
        self.pending = Some(Work::Reset(reset));
        accept(call, writer)
    }

    pub(super) fn communication(
        &mut self,
        call: Call<'_>,
        handler: &mut impl Handler,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        let traffic = Traffic::from_code(call.sub).ok_or(Nrc::SubFunctionNotSupported)?;
        let [messages] = exactly(call.record)?;
        let messages = Messages::from_code(messages).ok_or(Nrc::RequestOutOfRange)?;
        self.restrain(Control::Communication(traffic, messages), handler)?;
        accept(call, writer)
    }

    pub(super) fn dtc_setting(
        &mut self,
        call: Call<'_>,
        handler: &mut impl Handler,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        let setting = DtcSetting::from_code(call.sub).ok_or(Nrc::SubFunctionNotSupported)?;
        if !call.record.is_empty() {
            // An option record that names some trouble codes; here it is all of them.
            return Err(Nrc::RequestOutOfRange.into());
        }
        self.restrain(Control::DtcSetting(setting), handler)?;
        accept(call, writer)
    }

    /// Tells the ECU, and remembers that it was told.
    fn restrain(&mut self, control: Control, handler: &mut impl Handler) -> Outcome {
        permitted(handler, control)?.obey(control);
        self.restrained = true;
        Ok(())
    }
}

fn permitted(handler: &mut impl Handler, control: Control) -> Result<&mut dyn Ecu, Failure> {
    let ecu = handler.ecu().ok_or(Nrc::ServiceNotSupported)?;
    match ecu.permits(control) {
        true => Ok(ecu),
        false => Err(Nrc::ConditionsNotCorrect.into()),
    }
}

fn accept(call: Call<'_>, writer: &mut Writer<'_>) -> Outcome {
    writer.put(&[call.service + POSITIVE, call.sub]);
    Ok(())
}
