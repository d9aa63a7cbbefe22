//! Errands of the transaction, and what was seen of a Secondary.

use std::time::Duration;

use host::disk::Bulk;
use proto::secondary::{Identity, Refusal};
use uptane::sign::Signer;
use uptane::{Director, EcuId, Nonce, RepositoryName};

use super::errand::{Command, Errand, Failure, Handover, Purpose};
use super::stage::{Current, Stage};
use super::{Ask, News, Node, Shared, download, sharing};
use crate::Error;
use crate::machine::transaction::{Action, Event, Member, MemberImage, Reading, Standing, Transaction};
use crate::machine::{Input, Met, delegated_for};

/// The first pause between two attempts; each later one is twice as long.
const PAUSE: Duration = Duration::from_millis(20);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Attempts that begin with a patch. A Secondary of before may fall silent at the mere offer of one.
const PATCH_ATTEMPTS: u32 = 2;

impl<D: Bulk + Clone, S: Signer> Node<D, S> {
    pub(super) fn errand(&mut self, action: Action) -> Result<(), Error> {
        let Some(transaction) = self.machine.transaction().cloned() else { return Ok(()) };
        let Some((ecu, tried)) = addressee(action) else { return Ok(()) };
        if ecu == self.vehicle.primary.ecu {
            let event = self.own_errand(action, &transaction);
            self.known.push_back(Input::Happened(transaction.id, event));
            return Ok(());
        }
        let Some(member) = transaction.member(ecu) else { return Ok(()) };
        let purpose = match action {
            Action::Stage(..) => {
                let reading = Reading::of(&transaction, member);
                let mut stage = self.stage(member, tried)?;
                // Who has missed the first attempt is not waited for again.
                stage.shared = if tried == 0 { self.shared(&transaction, ecu) } else { None };
                Purpose::Stage(reading, Box::new(stage), self.disk.clone())
            }
            Action::Activate(..) => {
                let new = member.fallback.map(|_| member.image());
                let new = self.handover(new, Standing::Trial);
                self.tell_it(uptane::Action::Activate, member, &transaction, &[Standing::Staged], new)?
            }
            Action::Commit(..) => {
                self.tell_it(uptane::Action::Commit, member, &transaction, &[Standing::Healthy], None)?
            }
            Action::RollBack(..) => {
                let due: &[_] = if member.told { &TOLD } else { &OPEN };
                let old = self.handover(member.fallback, Standing::RolledBack);
                self.tell_it(uptane::Action::Rollback, member, &transaction, due, old)?
            }
            Action::Look(..) | Action::Record | Action::Close => Purpose::Look(Reading::of(&transaction, member)),
        };
        self.ask(Ask::Errand(Box::new(Errand::new(ecu, purpose).after(pause(tried)))));
        Ok(())
    }

    /// A Secondary said who it is. One that says it is another was not met.
    pub(super) fn met(&mut self, ecu: EcuId, met: Result<(Identity, Nonce), Failure>) -> Input {
        let met = met.inspect_err(|failure| tracing::info!(%ecu, ?failure, "not met"));
        let met = met.ok().filter(|(identity, _)| identity.ecu == ecu);
        self.tell(News::Met(ecu, met.map(|(identity, _)| identity)));
        Input::Met(ecu, met.map(|(identity, nonce)| Met { running: identity.running, nonce }))
    }

    /// What an errand's end means for the transaction.
    pub(super) fn seen(&mut self, ecu: EcuId, seen: Result<Standing, Failure>) -> Event {
        let event = match seen {
            Ok(standing) => {
                self.tell(News::Stands(ecu, standing));
                return Event::Seen(ecu, standing);
            }
            Err(Failure::Refused(Refusal::Check(code))) => Event::Refused(ecu, code),
            // A transfer that came apart is tried again.
            Err(Failure::Refused(Refusal::Offset(_)) | Failure::Confused | Failure::Silent(_)) => {
                Event::Unreachable(ecu)
            }
            Err(Failure::Refused(_) | Failure::Unreadable(_)) => Event::Refused(ecu, 0),
        };
        tracing::info!(%ecu, ?event, "an errand failed");
        event
    }

    /// The signed command, for a Secondary that stands at one of `due`, and the image that its only bank takes then.
    fn tell_it(
        &self,
        action: uptane::Action,
        member: &Member,
        transaction: &Transaction,
        due: &'static [Standing],
        handover: Option<Handover<D>>,
    ) -> Result<Purpose<D>, Error> {
        let reading = Reading::of(transaction, member);
        let bytes = self.command(action, member.ecu, transaction)?;
        Ok(Purpose::Command(Command { reading, bytes, due, handover }))
    }

    fn handover(&self, image: Option<MemberImage>, when: Standing) -> Option<Handover<D>> {
        image.map(|image| Handover { disk: self.disk.clone(), image: image.sha256, when })
    }

    /// What a Secondary may need to verify its image, and the patch that makes it, in the first attempts.
    fn stage(&self, member: &Member, tried: u32) -> Result<Stage, Error> {
        let accepted = self.store.accepted();
        let current = |name: RepositoryName| -> Result<Current, Error> {
            let roots = self.store.roots(name.as_str())?;
            Ok(Current { name, roots, versions: accepted.of(name), delegated: vec![] })
        };
        let mut images = self.mapping.image_repositories().into_iter().map(current).collect::<Result<Vec<_>, _>>()?;
        for image in images.iter_mut().filter(|image| !image.versions.delegated.is_empty()) {
            self.search(member.ecu, image)?;
        }
        let director = current(RepositoryName::of::<Director>())?;
        let patch = self.patches.get(&member.ecu).filter(|_| tried < PATCH_ATTEMPTS).cloned();
        Ok(Stage { director, images, image: download::place(member.sha256), patch, shared: None })
    }

    fn shared(&self, transaction: &Transaction, ecu: EcuId) -> Option<Shared> {
        sharing::shared(&self.groups, transaction, ecu, |of| self.patches.contains_key(&of))
    }

    /// Which delegated files an ECU's own search will ask for.
    fn search(&self, ecu: EcuId, image: &mut Current) -> Result<(), Error> {
        let director = self.store.files("director", &self.store.accepted().director)?;
        let files = self.store.files(image.name.as_str(), &image.versions)?;
        image.delegated = delegated_for(ecu, self.vehicle.id, self.store.time(), &director, &files)?;
        Ok(())
    }
}

/// Where a member stands that can still go back.
const OPEN: [Standing; 4] = [Standing::Staging, Standing::Staged, Standing::Trial, Standing::Healthy];
/// Where one stands that was told to activate and has to be told that this is over, whatever it knows of it.
const TOLD: [Standing; 5] = [Standing::Absent, Standing::Staging, Standing::Staged, Standing::Trial, Standing::Healthy];

/// Whom an action is for, and how often it was tried before.
fn addressee(action: Action) -> Option<(EcuId, u32)> {
    match action {
        Action::Stage(ecu, tried)
        | Action::Look(ecu, tried)
        | Action::Activate(ecu, tried)
        | Action::Commit(ecu, tried)
        | Action::RollBack(ecu, tried) => Some((ecu, tried)),
        Action::Record | Action::Close => None,
    }
}

/// How long to wait before an attempt: not at all before the first.
fn pause(tried: u32) -> Duration {
    match tried.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => PAUSE.saturating_mul(2u32.saturating_pow(doublings)).min(LONGEST_PAUSE),
    }
}
