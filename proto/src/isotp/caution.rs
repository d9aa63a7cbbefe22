//! How carefully a receiver has messages sent to it: after trouble in smaller blocks and with more time between frames, and
//! back after many messages without.

use super::{Config, Separation};

/// What a receiver has learnt; nothing at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Caution {
    level: Level,
    /// Good messages since the level changed.
    good: u8,
    /// Whether the message under way has shown trouble.
    troubled: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Level {
    #[default]
    Usual,
    Careful,
    Slow,
}

impl Caution {
    /// A message of several frames begins.
    pub(super) fn begin(&mut self) {
        self.troubled = false;
    }

    /// Frames of the message under way were lost, or too late; one step for each message.
    pub(super) fn trouble(&mut self) {
        if !self.troubled {
            *self = Self { level: self.level.tighter(), good: 0, troubled: true };
        }
    }

    /// The message under way is complete.
    pub(super) fn complete(&mut self) {
        self.good = if self.troubled { 0 } else { self.good.saturating_add(1) };
        if self.good >= GOOD_MESSAGES {
            *self = Self { level: self.level.looser(), ..Self::default() };
        }
    }

    /// What flow control asks for: at least as careful as the settings, and as the level if they want one.
    pub(super) fn flow(&self, config: &Config) -> (u8, Separation) {
        let (block_size, separation) = match self.level {
            Level::Careful if config.adaptive => (32, Separation::from_byte(0xf1)),
            Level::Slow if config.adaptive => (8, Separation::from_byte(0xf5)),
            Level::Usual | Level::Careful | Level::Slow => (0, Separation::NONE),
        };
        // 0 stands for more than any other number.
        let [smaller, larger] = if block_size < config.block_size {
            [block_size, config.block_size]
        } else {
            [config.block_size, block_size]
        };
        let longer = separation.micros() > config.separation.micros();
        (if smaller == 0 { larger } else { smaller }, if longer { separation } else { config.separation })
    }
}

impl Level {
    fn tighter(self) -> Self {
        match self {
            Self::Usual => Self::Careful,
            Self::Careful | Self::Slow => Self::Slow,
        }
    }

    fn looser(self) -> Self {
        match self {
            Self::Usual | Self::Careful => Self::Usual,
            Self::Slow => Self::Careful,
        }
    }
}

/// After so many messages without trouble a receiver asks for one step less.
const GOOD_MESSAGES: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::can::Id;
    use crate::isotp::Framing;

    fn config(block_size: u8, separation: u8) -> Config {
        let [send, receive] = [1, 2].map(|id| Id::standard(id).unwrap());
        let separation = Separation::from_byte(separation);
        Config { adaptive: true, block_size, separation, ..Config::new(Framing::CLASSICAL, send, receive) }
    }

    /// Block size and separation after so many messages with trouble and so many good ones.
    fn after(config: &Config, troubled: usize, good: usize) -> (u8, u8) {
        let mut caution = Caution::default();
        for _ in 0..troubled {
            caution.begin();
            caution.trouble();
        }
        for _ in 0..good {
            caution.begin();
            caution.complete();
        }
        let (block_size, separation) = caution.flow(config);
        (block_size, separation.byte())
    }

    #[test]
    fn each_trouble_tightens_by_one_step_and_64_good_messages_relax_by_one() {
        let table = [
            (0, 0, (0, 0)),
            (1, 0, (32, 0xf1)),
            (2, 0, (8, 0xf5)),
            (9, 0, (8, 0xf5)),
            (1, 63, (32, 0xf1)),
            (1, 64, (0, 0)),
            (2, 63, (8, 0xf5)),
            (2, 64, (32, 0xf1)),
            (2, 127, (32, 0xf1)),
            (2, 128, (0, 0)),
            (0, 300, (0, 0)),
        ];
        for (troubled, good, expected) in table {
            assert_eq!(after(&config(0, 0), troubled, good), expected, "{troubled} {good}");
        }
    }

    #[test]
    fn trouble_makes_the_good_messages_before_it_worth_nothing() {
        let mut caution = Caution::default();
        caution.trouble();
        (0..63).for_each(|_| {
            caution.begin();
            caution.complete()
        });
        caution.trouble();
        (0..63).for_each(|_| {
            caution.begin();
            caution.complete()
        });
        assert_eq!(caution.flow(&config(0, 0)), (8, Separation::from_byte(0xf5)));
    }

    #[test]
    fn a_message_in_trouble_tightens_once_and_is_not_good() {
        let mut caution = Caution::default();
        (0..100).for_each(|_| caution.trouble());
        caution.complete();
        assert_eq!(caution.flow(&config(0, 0)), (32, Separation::from_byte(0xf1)));
        (0..63).for_each(|_| {
            caution.begin();
            caution.complete()
        });
        assert_eq!(caution.flow(&config(0, 0)), (32, Separation::from_byte(0xf1)));
    }

    #[test]
    fn what_the_settings_ask_for_is_never_loosened() {
        assert_eq!(after(&config(5, 2), 2, 0), (5, 2));
        assert_eq!(after(&config(20, 0xf2), 1, 0), (20, 0xf2));
        assert_eq!(after(&config(20, 0xf2), 2, 0), (8, 0xf5));
        assert_eq!(after(&config(0, 0x80), 2, 0), (8, 0x80), "a reserved byte is the longest time");
    }

    #[test]
    fn a_receiver_that_does_not_adapt_asks_for_what_the_settings_say() {
        let fixed = Config { adaptive: false, ..config(0, 0) };
        assert_eq!(after(&fixed, 2, 0), (0, 0));
    }
}
