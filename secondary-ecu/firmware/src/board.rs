//! The board: QEMU's `mps2-an386`, a Cortex-M4 at 25 MHz with serial ports, a counter and memory that stands for flash.
//!
//! All that knows an address is here, and so is all `unsafe` of this firmware. Names of registers are those of Arm's
//! Cortex-M System Design Kit.
#![expect(unsafe_code, reason = "registers and memory are at addresses that only the board's manual vouches for")]

use core::mem::transmute;
use core::ptr::{read_volatile, with_exposed_provenance_mut, write_volatile};
use core::time::Duration;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, Peripherals, SYST};
use cortex_m_rt::{ExceptionFrame, exception};

/// What the board has. There is one.
pub(crate) struct Board {
    /// The bus.
    pub(crate) bus: Port,
    /// Where measurements go.
    #[cfg(feature = "measure")]
    pub(crate) trace: Port,
    /// What has passed since the reset.
    pub(crate) counter: Counter,
    /// The memory that stands for flash: it outlives a reset, and the board's power if QEMU keeps it in a file.
    pub(crate) nor: &'static mut [u8],
}

impl Board {
    /// Switches everything on. `None` the second time.
    pub(crate) fn take() -> Option<Self> {
        let mut core = Peripherals::take()?;
        // Nothing runs beside the main loop: an interrupt wakes it, and is never served.
        cortex_m::interrupt::disable();
        wake_regularly(&mut core.SYST);
        let bus = Port::open(UART0);
        bus.set(CTRL, TRANSMIT | RECEIVE | RECEIVE_WAKES);
        // SAFETY: no critical section relies on this interrupt being off.
        unsafe { NVIC::unmask(Wake::Uart0Receive) };
        // SAFETY: `Peripherals::take` succeeds once, so this is the only reference; nothing else is at these addresses.
        let nor = unsafe { core::slice::from_raw_parts_mut(with_exposed_provenance_mut(NOR), NOR_SIZE) };
        Some(Self {
            bus,
            #[cfg(feature = "measure")]
            trace: Port::open(UART1),
            counter: Counter::start(),
            nor,
        })
    }
}

/// A frame that is half received must not wait for its end for ever, so the loop runs at least this often.
fn wake_regularly(timer: &mut SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(WAKE_TICKS);
    timer.clear_current();
    timer.enable_interrupt();
    timer.enable_counter();
}

/// Sleeps until a byte comes, or for ten milliseconds.
pub(crate) fn sleep() {
    cortex_m::asm::wfi();
    Port(UART0).set(INTERRUPT, RECEIVED);
    NVIC::unpend(Wake::Uart0Receive);
    cortex_m::peripheral::SCB::clear_pendst();
}

/// Runs the function at this place in flash, and gives what it says.
///
/// What is there must have been verified: it may do whatever this program may.
pub(crate) fn call(offset: u32) -> u32 {
    let address = usize::try_from(offset).map_or(NOR, |offset| NOR + offset) | THUMB;
    let function = with_exposed_provenance_mut::<()>(address);
    // SAFETY: a function that takes nothing is what every image begins with; the caller knows that it is signed.
    let function = unsafe { transmute::<*mut (), extern "C" fn() -> u32>(function) };
    function()
}

/// Starts everything anew.
pub(crate) fn reset() -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}

/// A fault, a stack that ran out of RAM among them: start anew, and with that take back an image on trial.
#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    reset()
}

/// A serial port (CMSDK APB UART). QEMU's has no bit rate, and holds one byte.
pub(crate) struct Port(usize);

impl Port {
    fn open(base: usize) -> Self {
        let port = Self(base);
        port.set(BAUD_DIVIDER, LEAST_DIVIDER);
        port.set(CTRL, TRANSMIT | RECEIVE);
        port
    }

    /// The byte that has come, if one has.
    pub(crate) fn receive(&mut self) -> Option<u8> {
        let has_come = self.get(STATE) & RECEIVE_FULL != 0;
        has_come.then(|| self.get(DATA).to_le_bytes()[0])
    }

    /// Sends bytes, however long that takes.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        for byte in bytes {
            while self.get(STATE) & TRANSMIT_FULL != 0 {}
            self.set(DATA, u32::from(*byte));
        }
    }

    fn get(&self, register: usize) -> u32 {
        // SAFETY: `UART0` and `UART1` are serial ports, and all of these are registers of one.
        unsafe { read_volatile(with_exposed_provenance_mut::<u32>(self.0 + register)) }
    }

    fn set(&self, register: usize, value: u32) {
        // SAFETY: as above; no register of a serial port changes memory.
        unsafe { write_volatile(with_exposed_provenance_mut::<u32>(self.0 + register), value) }
    }
}

/// Counts 25 million ticks a second (CMSDK APB timer), from the reset on. It keeps whole seconds apart: a division of 64
/// bits is 400 bytes of code.
pub(crate) struct Counter {
    seconds: u32,
    /// Ticks since the last of them.
    ticks: u32,
    last: u32,
}

impl Counter {
    fn start() -> Self {
        let (timer, down_from) = (Port(TIMER0), u32::MAX);
        timer.set(TIMER_RELOAD, down_from);
        timer.set(TIMER_VALUE, down_from);
        timer.set(TIMER_CTRL, TIMER_RUNS);
        Self { seconds: 0, ticks: 0, last: down_from }
    }

    /// Ticks since the reset. To be asked once in 171 seconds or more often.
    #[cfg(feature = "measure")]
    pub(crate) fn ticks(&mut self) -> u64 {
        self.count();
        u64::from(self.seconds) * u64::from(TICKS_PER_SECOND) + u64::from(self.ticks)
    }

    /// The time since the reset. To be asked once in 171 seconds or more often.
    #[inline(never)]
    pub(crate) fn elapsed(&mut self) -> Duration {
        self.count();
        Duration::new(self.seconds.into(), self.ticks * NANOSECONDS_PER_TICK)
    }

    /// Adds what has passed since it was asked last.
    fn count(&mut self) {
        let now = Port(TIMER0).get(TIMER_VALUE);
        let passed = self.last.wrapping_sub(now);
        self.last = now;
        self.seconds += passed / TICKS_PER_SECOND;
        self.ticks += passed % TICKS_PER_SECOND;
        if self.ticks >= TICKS_PER_SECOND {
            self.ticks -= TICKS_PER_SECOND;
            self.seconds += 1;
        }
    }
}

/// Where handlers of interrupts stand. All but the first interrupt stay masked, so the table ends with it: one for all
/// that a Cortex-M4 may have is a kilobyte.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [unsafe extern "C" fn() -> !; 1] = [never_served];

/// Interrupts are disabled before the first one is unmasked.
unsafe extern "C" fn never_served() -> ! {
    reset()
}

/// Interrupts that wake the processor.
#[derive(Clone, Copy)]
enum Wake {
    Uart0Receive,
}

// SAFETY: a fixed number, that of the interrupt on this board.
unsafe impl InterruptNumber for Wake {
    fn number(self) -> u16 {
        match self {
            Self::Uart0Receive => 0,
        }
    }
}

#[cfg(feature = "measure")]
pub(crate) mod stack {
    //! How much of the stack is used: what was painted and is not any more.

    use super::{read_volatile, write_volatile};

    /// Paints what is free now, but for what is next to what is used: this very function may need that.
    pub(crate) fn paint() {
        let used = usize::try_from(cortex_m::register::msp::read()).unwrap_or_default();
        for word in words(bottom(), top().with_addr(used.saturating_sub(MARGIN))) {
            // SAFETY: below the stack pointer nothing lives, and interrupts are off.
            unsafe { write_volatile(word, PAINT) };
        }
    }

    /// Bytes of the stack that were in use at most since it was painted.
    pub(crate) fn peak() -> u32 {
        // SAFETY: all of it is RAM.
        let is_clean = |word: &*mut u32| unsafe { read_volatile(*word) } == PAINT;
        let used = words(bottom(), top()).skip_while(is_clean).count();
        u32::try_from(size_of::<u32>() * used).unwrap_or(u32::MAX)
    }

    fn words(from: *mut u32, to: *mut u32) -> impl Iterator<Item = *mut u32> {
        (from.addr()..to.addr()).step_by(size_of::<u32>()).map(move |at| from.with_addr(at))
    }

    fn bottom() -> *mut u32 {
        &raw mut _stack_end
    }

    fn top() -> *mut u32 {
        &raw mut _stack_start
    }

    // SAFETY: `memory.x` defines both.
    unsafe extern "C" {
        /// The lowest address of the stack, where it ends.
        static mut _stack_end: u32;
        /// The first address above it.
        static mut _stack_start: u32;
    }

    /// What the start-up code paints with as well.
    const PAINT: u32 = cortex_m_rt::STACK_PAINT_VALUE;
    const MARGIN: usize = 128;
}

const UART0: usize = 0x4000_4000;
#[cfg(feature = "measure")]
const UART1: usize = 0x4000_5000;
const DATA: usize = 0x00;
const STATE: usize = 0x04;
const TRANSMIT_FULL: u32 = 1;
const RECEIVE_FULL: u32 = 2;
const CTRL: usize = 0x08;
const TRANSMIT: u32 = 1;
const RECEIVE: u32 = 2;
const RECEIVE_WAKES: u32 = 8;
const INTERRUPT: usize = 0x0c;
const RECEIVED: u32 = 2;
const BAUD_DIVIDER: usize = 0x10;
const LEAST_DIVIDER: u32 = 16;

const TIMER0: usize = 0x4000_0000;
const TIMER_CTRL: usize = 0x00;
const TIMER_RUNS: u32 = 1;
const TIMER_VALUE: usize = 0x04;
const TIMER_RELOAD: usize = 0x08;
const TICKS_PER_SECOND: u32 = 25_000_000;
const NANOSECONDS_PER_TICK: u32 = 1_000_000_000 / TICKS_PER_SECOND;
/// Ten milliseconds.
const WAKE_TICKS: u32 = 250_000;

/// PSRAM, which holds nothing else.
const NOR: usize = 0x2100_0000;
const NOR_SIZE: usize = 1024 * 1024;
/// What tells the processor that code is in its only instruction set.
const THUMB: usize = 1;
