//! What a process says to a group: a task that has the [`Broadcast`], and seats for the errands that take part.

use std::collections::BTreeMap;
use std::time::Duration;

use host::disk::Bulk;
use proto::broadcast::{Member, SEND_TIMEOUT, Session};
use proto::can::{Frame, Id};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use uptane::EcuId;

use super::broadcast::Broadcast;
use crate::node::{Call, Shared};

/// The way to a group.
#[derive(Clone, Debug)]
pub(crate) struct GroupLink {
    // As many orders at a time as there are errands, as each waits for its call.
    orders: mpsc::UnboundedSender<Order>,
}

/// An errand's place in a group, which it leaves by itself when the errand is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    ecu: EcuId,
    group: GroupLink,
}

/// What an errand tells its group.
#[derive(Debug)]
pub(super) enum Order {
    Expect(EcuId, Shared),
    Arrive(EcuId, oneshot::Sender<Called>),
    Joined(EcuId, Option<Member>, oneshot::Sender<Called>),
    Leave(EcuId),
}

/// How an errand goes on, and what its Secondary is asked to join if that is how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Called {
    pub(crate) call: Call,
    pub(crate) invitation: Option<(Session, Id)>,
}

/// The task.
pub(super) struct Speaker<D> {
    broadcast: Broadcast<D>,
    orders: mpsc::UnboundedReceiver<Order>,
    incoming: mpsc::Receiver<Frame>,
    outgoing: mpsc::Sender<Frame>,
    waiting: BTreeMap<EcuId, oneshot::Sender<Called>>,
    begun: Instant,
}

impl GroupLink {
    /// Says that an errand is about to begin. Others wait for it from now on.
    pub(crate) fn expect(&self, ecu: EcuId, shared: Shared) -> Seat {
        // A group that is gone calls everybody alone.
        let _ = self.orders.send(Order::Expect(ecu, shared));
        Seat { ecu, group: self.clone() }
    }
}

impl Seat {
    /// Waits for the others; how to go on.
    pub(crate) async fn arrive(&self) -> Called {
        self.wait(Call::Alone, Order::Arrive).await
    }

    /// Says whether the Secondary joined, and waits until the broadcast is over for it.
    pub(crate) async fn joined(&self, member: Option<Member>) -> Called {
        self.wait(Call::Dropped, |ecu, call| Order::Joined(ecu, member, call)).await
    }

    async fn wait(&self, otherwise: Call, order: impl FnOnce(EcuId, oneshot::Sender<Called>) -> Order) -> Called {
        let (call, called) = oneshot::channel();
        let _ = self.group.orders.send(order(self.ecu, call));
        called.await.unwrap_or(Called { call: otherwise, invitation: None })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.group.orders.send(Order::Leave(self.ecu));
    }
}

impl<D: Bulk> Speaker<D> {
    pub(super) fn new(
        broadcast: Broadcast<D>,
        incoming: mpsc::Receiver<Frame>,
        outgoing: mpsc::Sender<Frame>,
    ) -> (Self, GroupLink) {
        let (sender, orders) = mpsc::unbounded_channel();
        let (waiting, begun) = (BTreeMap::new(), Instant::now());
        (Self { broadcast, orders, incoming, outgoing, waiting, begun }, GroupLink { orders: sender })
    }

    /// Speaks for as long as there is a bus, and anybody to order it.
    pub(super) async fn run(mut self) {
        while self.step().await.is_some() {}
    }

    /// Says one frame, or takes in what happens next.
    async fn step(&mut self) -> Option<()> {
        while let Ok(frame) = self.incoming.try_recv() {
            self.broadcast.handle(&frame, self.now());
        }
        while let Ok(order) = self.orders.try_recv() {
            self.obey(order);
        }
        let frame = self.broadcast.poll(self.now());
        self.call();
        match frame {
            Some(frame) => self.say(frame).await,
            None => self.listen().await,
        }
    }

    async fn say(&mut self, frame: Frame) -> Option<()> {
        match timeout(SEND_TIMEOUT, self.outgoing.send(frame)).await {
            Ok(sent) => sent.ok(),
            Err(_) => {
                self.broadcast.give_up();
                self.call();
                Some(())
            }
        }
    }

    async fn listen(&mut self) -> Option<()> {
        let due = self.broadcast.deadline();
        let deadline = self.begun + due.unwrap_or_default();
        tokio::select! {
            order = self.orders.recv() => self.obey(order?),
            frame = self.incoming.recv() => self.broadcast.handle(&frame?, self.now()),
            () = sleep_until(deadline), if due.is_some() => {}
        }
        Some(())
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Expect(ecu, shared) => self.broadcast.expect(ecu, &shared),
            Order::Arrive(ecu, call) => {
                self.waiting.insert(ecu, call);
                self.broadcast.arrive(ecu);
            }
            Order::Joined(ecu, member, call) => {
                self.waiting.insert(ecu, call);
                self.broadcast.joined(ecu, member, self.now());
            }
            Order::Leave(ecu) => {
                self.waiting.remove(&ecu);
                self.broadcast.leave(ecu);
            }
        }
    }

    /// Calls everybody whose errand is to go on. One that was dropped meanwhile does not hear it.
    fn call(&mut self) {
        while let Some((ecu, call)) = self.broadcast.call() {
            let invitation = self.broadcast.invitation(ecu).filter(|_| call == Call::Together);
            if let Some(waiting) = self.waiting.remove(&ecu) {
                let _ = waiting.send(Called { call, invitation });
            }
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }
}
