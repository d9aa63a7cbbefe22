//! How a transaction moves: one function for each state, each an exhaustive match over what an ECU can say.

use uptane::EcuId;

use super::{Action, Cause, MAX_ATTEMPTS, Member, Standing, State, Transaction};

/// A transition being worked out.
pub(super) struct Step {
    pub(super) next: Transaction,
    pub(super) actions: Vec<Action>,
}

impl Step {
    /// Asks every member again for what the journalled state needs. What was seen before the restart counts no more.
    pub(super) fn resume(&mut self) {
        let is_decided = is_decided(self.next.state);
        for member in &mut self.next.members {
            (member.standing, member.attempts, member.is_heard) = (Standing::Unknown, 0, is_decided);
        }
        self.ask_all();
        if self.next.is_closed() {
            self.actions.push(Action::Close);
        }
    }

    pub(super) fn seen(&mut self, ecu: EcuId, standing: Standing) {
        let Some(member) = self.next.members.iter_mut().find(|member| member.ecu == ecu) else { return };
        let told = member.told;
        // A member of a transaction that the Director withdrew is only asked whether it has activated.
        member.standing =
            if self.next.is_withdrawn && standing != Standing::Committed { Standing::Unknown } else { standing };
        if !std::mem::replace(&mut member.is_heard, true) {
            // While nobody knew where it stands the vehicle could not turn back for want of its answer.
            member.attempts = 0;
        }
        match self.next.state {
            State::Staging | State::Verifying if has_activated(standing) => self.catch_up(),
            State::Activating(_) if !told && has_activated(standing) => self.catch_up(),
            State::Verifying if self.next.is_withdrawn => self.withdraw(),
            State::Staging => self.seen_staging(ecu, standing),
            State::Verifying => self.seen_verifying(ecu, standing),
            State::Activating(order) => self.seen_activating(ecu, standing, order),
            State::Voting => self.seen_voting(ecu, standing),
            State::Committing => self.seen_committing(ecu, standing),
            State::RollingBack(cause) => self.seen_rolling_back(ecu, cause),
            State::Committed | State::RolledBack(_) => {}
        }
    }

    fn seen_staging(&mut self, ecu: EcuId, standing: Standing) {
        match standing {
            Standing::Staged if self.all(Standing::Staged) => self.enter(State::Verifying),
            Standing::Staged => {}
            Standing::Unknown | Standing::Absent | Standing::Staging => self.again(ecu),
            Standing::RolledBack => self.turn_back(Cause::FellBack(ecu)),
            Standing::Trial | Standing::Healthy | Standing::Committed => {}
        }
    }

    fn seen_verifying(&mut self, ecu: EcuId, standing: Standing) {
        match standing {
            Standing::Staged if self.all(Standing::Staged) => {
                if let Some(first) = self.order_after(None) {
                    self.enter(State::Activating(first));
                }
            }
            Standing::Staged => {}
            // It lost the image since it said it had it: a restart in between. Bring it again.
            Standing::Unknown | Standing::Absent | Standing::Staging => {
                self.next.state = State::Staging;
                self.actions.push(Action::Record);
                self.again(ecu);
            }
            Standing::RolledBack => self.turn_back(Cause::FellBack(ecu)),
            Standing::Trial | Standing::Healthy | Standing::Committed => {}
        }
    }

    fn seen_activating(&mut self, ecu: EcuId, standing: Standing, order: u64) {
        match standing {
            Standing::Trial | Standing::Healthy | Standing::Committed => self.activated(ecu, standing, order),
            // Its turn has not come: an answer to an earlier question, late or twice.
            Standing::Staged if !self.next.member(ecu).is_some_and(|member| member.told) => {}
            Standing::Staged | Standing::Unknown => self.again(ecu),
            Standing::Absent | Standing::Staging | Standing::RolledBack => self.turn_back(Cause::FellBack(ecu)),
        }
    }

    /// The next order follows only on the health of all before it; the last one's health is a matter of the vote.
    fn activated(&mut self, ecu: EcuId, standing: Standing, order: u64) {
        let mut told = self.next.members.iter().filter(|member| member.order <= order);
        match self.order_after(Some(order)) {
            Some(after) if told.all(|member| works(member.standing)) => self.enter(State::Activating(after)),
            None if told.all(|member| member.standing == Standing::Trial || works(member.standing)) => {
                self.enter(State::Voting);
            }
            Some(_) if standing == Standing::Trial => self.again(ecu),
            Some(_) | None => {}
        }
    }

    fn seen_voting(&mut self, ecu: EcuId, standing: Standing) {
        match standing {
            Standing::Healthy | Standing::Committed
                if self.next.members.iter().all(|member| works(member.standing)) =>
            {
                self.enter(State::Committing);
            }
            Standing::Healthy | Standing::Committed => {}
            Standing::Trial | Standing::Unknown => self.again(ecu),
            Standing::Absent | Standing::Staging | Standing::Staged | Standing::RolledBack => {
                self.turn_back(Cause::FellBack(ecu));
            }
        }
    }

    fn seen_committing(&mut self, ecu: EcuId, standing: Standing) {
        match standing {
            Standing::Committed if self.all(Standing::Committed) => self.enter(State::Committed),
            Standing::Committed => {}
            Standing::Unknown
            | Standing::Absent
            | Standing::Staging
            | Standing::Staged
            | Standing::Trial
            | Standing::Healthy
            | Standing::RolledBack => self.again(ecu),
        }
    }

    fn seen_rolling_back(&mut self, ecu: EcuId, cause: Cause) {
        if self.next.members.iter().all(Member::is_back) {
            self.enter(State::RolledBack(cause));
        } else if !self.next.member(ecu).is_some_and(Member::is_back) {
            self.again(ecu);
        }
    }

    /// An ECU runs its new image, and by the journal it was not told to: this journal is an older one, for a disk did not keep
    /// what it called durable. All held their images then, and any may have been told; now they vote. Nobody is told to
    /// activate on such a journal: one that has not yet turns the vehicle back.
    fn catch_up(&mut self) {
        self.next.members.iter_mut().for_each(|member| member.told = true);
        self.enter(State::Voting);
    }

    /// Whether a decision to commit may have been made that the journal does not have: an ECU says that it was told, or one
    /// that may have been has not spoken since the journal was read.
    fn may_be_decided(&self) -> bool {
        let may_have_heard = |member: &Member| member.told && !member.is_heard;
        self.next.members.iter().any(|member| member.standing == Standing::Committed || may_have_heard(member))
    }

    /// `ecu` did not do what was asked. Before the decision that turns the vehicle back once `bound` attempts are used
    /// up; after it, and while it may have been made, the same is asked again.
    pub(super) fn failed(&mut self, ecu: EcuId, cause: Cause, bound: u32) {
        let Some(member) = self.next.member(ecu) else { return };
        let (attempts, told) = (member.attempts, member.told);
        match self.next.state {
            State::Verifying if self.next.is_withdrawn && attempts >= bound => self.unheard(ecu),
            State::Staging | State::Verifying | State::Activating(_) | State::Voting
                if attempts >= bound && (has_spoken(cause) || !self.may_be_decided()) =>
            {
                self.turn_back(cause);
            }
            // Its turn has not come: an earlier question that was lost.
            State::Activating(_) if !told => {}
            // Never told to leave its old image, so it runs that whether it can be asked or not.
            State::RollingBack(_) if !told && attempts >= bound => self.seen(ecu, Standing::Absent),
            State::Staging
            | State::Verifying
            | State::Activating(_)
            | State::Voting
            | State::Committing
            | State::RollingBack(_) => self.retry(ecu),
            State::Committed | State::RolledBack(_) => {}
        }
    }

    /// The Director wants something else, which counts as long as no ECU was told to activate. Whether one was, the ECUs say:
    /// the journal may be an older one.
    pub(super) fn withdraw(&mut self) {
        match self.next.state {
            State::Staging | State::Verifying if self.next.members.iter().all(|member| member.is_heard) => {
                self.turn_back(Cause::Withdrawn);
            }
            State::Staging | State::Verifying => {
                if !std::mem::replace(&mut self.next.is_withdrawn, true) {
                    self.look_at_all();
                }
            }
            State::Activating(_)
            | State::Voting
            | State::Committing
            | State::Committed
            | State::RollingBack(_)
            | State::RolledBack(_) => {}
        }
    }

    /// No member is brought anything more; each is asked anew where it stands.
    fn look_at_all(&mut self) {
        self.next.state = State::Verifying;
        for member in &mut self.next.members {
            (member.standing, member.attempts, member.is_heard) = (Standing::Unknown, 0, false);
        }
        self.ask_all();
    }

    /// Of an ECU that cannot be asked it is taken that it did what the journal says.
    fn unheard(&mut self, ecu: EcuId) {
        match self.next.members.iter_mut().find(|member| member.ecu == ecu && !member.told) {
            Some(member) => {
                member.is_heard = true;
                self.withdraw();
            }
            None => self.retry(ecu),
        }
    }

    fn turn_back(&mut self, cause: Cause) {
        self.enter(State::RollingBack(cause));
    }

    /// Takes a new state, records it, and asks every member for what it needs.
    fn enter(&mut self, state: State) {
        (self.next.state, self.next.is_withdrawn) = (state, false);
        for member in &mut self.next.members {
            // Going to and fro between bringing an image and looking for it is bounded as one thing.
            if state != State::Verifying {
                member.attempts = 0;
            }
            // An order's trial is not lost by going on to the next, nor is it ever lost that an ECU has committed; of all else
            // every state wants to be told afresh.
            if !matches!(state, State::Activating(_)) && member.standing != Standing::Committed {
                member.standing = Standing::Unknown;
            }
            member.told |= matches!(state, State::Activating(order) if member.order <= order);
            member.is_heard |= is_decided(state);
        }
        self.actions.push(Action::Record);
        self.ask_all();
        if self.next.is_closed() {
            self.actions.push(Action::Close);
        }
    }

    fn ask_all(&mut self) {
        let members = self.next.members.iter();
        let due: Vec<EcuId> = members.filter(|member| self.is_due(member)).map(|member| member.ecu).collect();
        due.into_iter().for_each(|ecu| self.ask(ecu));
    }

    /// Whether the state still wants something of this member.
    fn is_due(&self, member: &Member) -> bool {
        match self.next.state {
            State::Activating(order) => member.order <= order && !works(member.standing),
            State::Verifying if self.next.is_withdrawn => !member.is_heard,
            State::Staging | State::Verifying | State::Voting | State::Committing | State::RollingBack(_) => true,
            State::Committed | State::RolledBack(_) => false,
        }
    }

    /// Not there yet: asks again, within bounds where the vehicle may still turn back.
    fn again(&mut self, ecu: EcuId) {
        self.failed(ecu, Cause::Exhausted(ecu), MAX_ATTEMPTS);
    }

    fn retry(&mut self, ecu: EcuId) {
        if let Some(member) = self.next.members.iter_mut().find(|member| member.ecu == ecu) {
            member.attempts = member.attempts.saturating_add(1);
        }
        self.ask(ecu);
    }

    fn ask(&mut self, ecu: EcuId) {
        let Some(member) = self.next.member(ecu) else { return };
        let tried = member.attempts;
        self.actions.push(match (self.next.state, member.standing) {
            (State::Staging, _) => Action::Stage(ecu, tried),
            (State::Activating(_), Standing::Trial) | (State::Verifying | State::Voting, _) => Action::Look(ecu, tried),
            (State::Activating(_), _) => Action::Activate(ecu, tried),
            (State::Committing, _) => Action::Commit(ecu, tried),
            (State::RollingBack(_), _) => Action::RollBack(ecu, tried),
            (State::Committed | State::RolledBack(_), _) => return,
        });
    }

    fn all(&self, standing: Standing) -> bool {
        self.next.members.iter().all(|member| member.standing == standing)
    }

    /// The lowest order above `order`.
    fn order_after(&self, order: Option<u64>) -> Option<u64> {
        self.next.members.iter().map(|member| member.order).find(|next| order.is_none_or(|order| *next > order))
    }
}

/// Whether an ECU was told to activate, and did.
fn has_activated(standing: Standing) -> bool {
    standing == Standing::Trial || works(standing)
}

/// Whether this befell an ECU that said where it stands: no decision was made if it stands before its vote.
fn has_spoken(cause: Cause) -> bool {
    match cause {
        Cause::FellBack(_) | Cause::Exhausted(_) => true,
        Cause::Refused(..) | Cause::Unreachable(_) | Cause::Withdrawn => false,
    }
}

/// Whether an ECU's new image is known to work. One that has committed before the vehicle decided to says that the decision
/// was forgotten: a disk did not keep what it called durable, and the journal is an older one. Its word counts as much as
/// that of an ECU that is healthy, no more, so that a liar commits nobody else.
fn works(standing: Standing) -> bool {
    matches!(standing, Standing::Healthy | Standing::Committed)
}

/// Whether the vehicle's way is chosen: what an ECU did before that was journalled changes it no more.
fn is_decided(state: State) -> bool {
    match state {
        State::Staging | State::Verifying | State::Activating(_) | State::Voting => false,
        State::Committing | State::Committed | State::RollingBack(_) | State::RolledBack(_) => true,
    }
}
