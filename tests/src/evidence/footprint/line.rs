//! The Primary's end of the bus: the client and the link that ship.

use std::time::Instant;

use anyhow::{Context, Result};
use proto::can::Id;
use proto::isotp::{Config, Framing, Link};
use proto::secondary::{Reply, Request};
use proto::uds::Client;

use super::board::Board;

/// What is asked of a board, one request after the other.
pub(super) struct Line {
    board: Board,
    link: Link<ROOM, ROOM>,
    client: Client<ROOM>,
    start: Instant,
}

const ROOM: usize = 4_095;

impl Line {
    /// Nothing has been asked yet.
    pub(super) fn new(board: Board) -> Result<Self> {
        let (send, receive) = (Id::standard(0x7e0)?, Id::standard(0x7e8)?);
        let link = Link::new(Config::new(Framing::CLASSICAL, send, receive));
        Ok(Self { board, link, client: Client::new(), start: host::clock::stopwatch() })
    }

    /// Asks, and gives the reply to `hear`.
    pub(super) fn ask<T>(&mut self, request: Request<'_>, hear: impl FnOnce(Reply<'_>) -> Result<T>) -> Result<T> {
        self.client.start(request)?;
        loop {
            let now = self.start.elapsed();
            if !self.link.is_sending()
                && let Some(message) = self.client.poll(now)?
            {
                self.link.send(message, now)?;
            }
            self.flush()?;
            let deadline = [self.link.deadline(), self.client.deadline()].into_iter().flatten().min();
            let wait = deadline.context("a client that asks has a deadline")?.saturating_sub(self.start.elapsed());
            let Some(frame) = self.board.receive(wait)? else { continue };
            let now = self.start.elapsed();
            self.client.moving(now);
            match self.link.handle(&frame, now) {
                Ok(Some(message)) => {
                    if let Some(reply) = self.client.handle(message, now)? {
                        return hear(reply);
                    }
                }
                Ok(None) => {}
                Err(_) => self.client.lost(),
            }
        }
    }

    /// What the board has measured since this was asked last.
    pub(super) fn trace(&mut self) -> Result<Vec<u8>> {
        self.board.trace()
    }

    fn flush(&mut self) -> Result<()> {
        loop {
            let now = self.start.elapsed();
            match self.link.poll(now) {
                Ok(Some(frame)) => {
                    self.client.moving(now);
                    self.board.send(&frame)?;
                }
                Ok(None) => return Ok(()),
                Err(_) => self.client.lost(),
            }
        }
    }
}
