//! Messages over links, and what the servers and the Secondaries on Ethernet do with them.

use std::rc::Rc;
use std::time::Duration;

use primary_ecu::node::Silent;
use proto::secondary::Request;

use super::World;
use super::calls::{Call, FIRST_WAIT, Peer, Question, Response};
use super::event::{Event, Ready, Record};
use super::line::Line;
use super::primary::Heard;
use crate::world::link::Delivery;
use crate::world::scenario::Server;
use crate::world::time::Moment;

impl World {
    /// Asks somebody; the number of the call.
    pub(super) fn call(&mut self, peer: Peer, question: Question) -> u64 {
        let (now, number) = (self.engine.now(), self.calls.number());
        if self.primary_message_fails() {
            return number;
        }
        let is_there = match peer {
            Peer::Cloud => true,
            Peer::Ecu(ecu) => self.is_on(ecu),
        };
        let patience = if is_there { question.patience() } else { CONNECT };
        self.record(|| Record::Asks { whom: peer.to_string(), what: question.what() });
        let starts = self.starts(peer);
        let call = Call { peer, question, starts, until: now + patience, wait: FIRST_WAIT, retry: None };
        self.calls.open.insert(number, call);
        self.send(number);
        number
    }

    fn send(&mut self, number: u64) {
        let now = self.engine.now();
        let Some(call) = self.calls.open.get_mut(&number) else { return };
        let wake = (now + call.wait).min(call.until);
        call.retry = Some(self.engine.schedule(wake, Event::Retry(number)));
        let (peer, size) = (call.peer, call.question.size());
        let Some(way) = self.ways.get_mut(&peer) else { return };
        // A link that is cut takes nothing; the next attempt may find it whole.
        for delivery in way.there.send(now, (number, call.question.clone()), size).unwrap_or_default() {
            self.engine.schedule(delivery.at(), Event::Asked(peer, Box::new(delivery)));
        }
    }

    /// No response has come for a while.
    pub(super) fn retry(&mut self, number: u64) {
        let now = self.engine.now();
        let Some(call) = self.calls.open.get_mut(&number) else { return };
        call.wait = call.wait.saturating_mul(2);
        if now < call.until {
            return self.send(number);
        }
        let peer = call.peer;
        self.calls.open.remove(&number);
        self.heard(peer, number, Err("no answer in time".to_owned()));
    }

    /// Gives up every call: nobody waits for a response any more.
    pub(super) fn drop_calls(&mut self) {
        for call in std::mem::take(&mut self.calls.open).into_values() {
            if let Some(retry) = call.retry {
                self.engine.cancel(retry);
            }
        }
        self.empty_halls();
        for bus in &mut self.buses {
            bus.ports.iter_mut().for_each(|port| port.is_asked = false);
            bus.line = Line::default();
        }
    }

    /// A question arrives.
    pub(super) fn asked(&mut self, peer: Peer, delivery: Delivery<(u64, Question)>) {
        let starts = self.starts(peer);
        let Some(way) = self.ways.get_mut(&peer) else { return };
        let Some((number, question)) = way.there.receive(delivery) else { return };
        let Some(call) = self.calls.open.get(&number) else { return };
        if call.starts != starts {
            return self.respond(peer, number, Response::Gone);
        }
        match way.taken.get(&number).cloned() {
            Some(Some(response)) => self.respond(peer, number, response),
            Some(None) => {}
            None => {
                way.taken.insert(number, None);
                way.trim();
                self.take_question(peer, number, &question);
            }
        }
    }

    fn take_question(&mut self, peer: Peer, number: u64, question: &Question) {
        let ready = match (peer, question) {
            (Peer::Cloud, Question::CheckIn(request)) => {
                let answer = self.oem.check_in(request, self.time());
                self.watch_belief();
                self.watch_reports();
                self.serve(Server::Director, Response::CheckedIn(Rc::new(answer)))
            }
            (Peer::Cloud, Question::Get { path, from, most }) => {
                let piece = self.oem.get(path).map(|file| {
                    let rest = file.get(*from..).unwrap_or_default();
                    (rest.get(..*most).unwrap_or(rest).to_vec(), file.len())
                });
                self.serve(Server::ImageRepository, Response::Piece(piece))
            }
            (Peer::Ecu(ecu), Question::Request(request)) => {
                let (now, is_on) = (self.engine.now(), self.is_on(ecu));
                let node = self.secondaries.get_mut(&ecu).filter(|_| is_on);
                let asked = Request::try_from(request.as_ref()).ok();
                let answer = node.zip(asked).and_then(|(node, request)| node.ask(request, now));
                self.touch(ecu);
                answer.map(|(answer, at)| (at, Response::Reply(Box::new(answer))))
            }
            (Peer::Cloud, Question::Request(_)) | (Peer::Ecu(_), Question::CheckIn(_) | Question::Get { .. }) => None,
        };
        match ready {
            Some((at, response)) => {
                let starts = self.starts(peer);
                self.engine.schedule(at, Event::Ready(Box::new(Ready { peer, starts, number, response })));
            }
            // Nobody took it: it may come again.
            None => {
                if let Some(way) = self.ways.get_mut(&peer) {
                    way.taken.remove(&number);
                }
            }
        }
    }

    /// When a server has sent a response, at the pace faults leave it; nothing while it is down.
    fn serve(&mut self, server: Server, response: Response) -> Option<(Moment, Response)> {
        let now = self.engine.now();
        let (rate, is_down) = self.server(server);
        if is_down {
            return None;
        }
        let takes = rate.map_or(Duration::ZERO, |rate| rate.time(response.size()));
        let free = self.servers_free.entry(server).or_insert(Moment::START);
        *free = (*free).max(now) + takes;
        Some((*free, response))
    }

    /// A response leaves, if whoever was asked still is what it was.
    pub(super) fn ready(&mut self, ready: Ready) {
        let Ready { peer, starts, number, response } = ready;
        if starts != self.starts(peer) {
            return;
        }
        if let Some(way) = self.ways.get_mut(&peer) {
            way.taken.insert(number, Some(response.clone()));
            way.trim();
        }
        self.respond(peer, number, response);
    }

    fn respond(&mut self, peer: Peer, number: u64, response: Response) {
        let (now, size) = (self.engine.now(), response.size());
        self.record(|| Record::Responds { who: peer.to_string(), bytes: size });
        let Some(way) = self.ways.get_mut(&peer) else { return };
        for delivery in way.back.send(now, (number, response), size).unwrap_or_default() {
            self.engine.schedule(delivery.at(), Event::Responded(peer, Box::new(delivery)));
        }
    }

    /// A response arrives; one that nobody waits for any more is dropped.
    pub(super) fn responded(&mut self, peer: Peer, delivery: Delivery<(u64, Response)>) {
        let Some(way) = self.ways.get_mut(&peer) else { return };
        let Some((number, response)) = way.back.receive(delivery) else { return };
        if !self.calls.open.contains_key(&number) || self.primary_message_fails() {
            return;
        }
        let Some(call) = self.calls.open.remove(&number) else { return };
        if let Some(retry) = call.retry {
            self.engine.cancel(retry);
        }
        let heard = match response {
            Response::Gone => Err("the connection is gone".to_owned()),
            response @ (Response::CheckedIn(_) | Response::Piece(_) | Response::Reply(_)) => Ok(response),
        };
        self.heard(peer, number, heard);
    }

    fn heard(&mut self, peer: Peer, number: u64, heard: Heard) {
        match peer {
            Peer::Cloud => self.heard_of_cloud(number, heard),
            Peer::Ecu(ecu) => {
                let answer = match heard {
                    Ok(Response::Reply(answer)) => Ok(*answer),
                    Ok(_) => Err(Silent::new("another answer")),
                    Err(reason) => Err(Silent::new(reason)),
                };
                self.answered(ecu, answer);
            }
        }
    }

    /// How often a peer has been started.
    fn starts(&self, peer: Peer) -> u64 {
        match peer {
            Peer::Cloud => 0,
            Peer::Ecu(ecu) => self.power.get(&ecu).map_or(0, |power| power.starts),
        }
    }
}

/// How long the daemon tries to connect (`primary-ecu`, `grpc`).
const CONNECT: Duration = Duration::from_secs(2);
