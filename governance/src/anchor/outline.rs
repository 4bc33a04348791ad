//! What a record's revisions tell about it, to whoever has nothing but them.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::anchor::{Account, Action, Happened, Terms};

/// Who governs a record and what it stands for, folded from its revisions.
///
/// Delays are as they were last set: a lowering counts later, at a time that revisions do not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Application, roots, delays, guardian and context as last set.
    pub terms: Terms,
    /// How many admins must approve.
    pub threshold: u8,
    /// The seats' holders, by bit.
    pub seats: BTreeMap<u8, Account>,
    /// Whether it ended.
    pub is_dissolved: bool,
}

impl Outline {
    /// From the first revision; `None` if another one is given.
    pub fn begin(happened: &Happened) -> Option<Self> {
        let Happened::Created(created) = happened else { return None };
        let seats = BTreeMap::from([(0, created.creator.clone())]);
        let terms = created.terms.clone();
        Some(Self { terms, threshold: 1, seats, is_dissolved: false })
    }

    /// Takes the next revision in. What cannot happen changes nothing: the log head over the
    /// revisions is what shows that they are the contract's.
    pub fn follow(&mut self, happened: &Happened) {
        match happened {
            Happened::Created(_) | Happened::Frozen { .. } => {}
            Happened::AdminAccepted(account) => {
                let free = (0..=u8::MAX).find(|index| !self.seats.contains_key(index));
                self.seats.extend(free.map(|index| (index, account.clone())));
            }
            Happened::AdminRenounced(account) => {
                self.vacate(account);
                let admins = u8::try_from(self.seats.len()).unwrap_or(u8::MAX);
                self.threshold = self.threshold.min(admins);
            }
            Happened::Done(action) => self.apply(action),
        }
    }

    /// The holders of the seats whose bits are set, lowest first.
    pub fn holders(&self, bits: u64) -> Vec<Account> {
        let is_set = |index: u8| bits.checked_shr(index.into()).is_some_and(|rest| rest & 1 == 1);
        let seats = self.seats.iter().filter(|(index, _)| is_set(**index));
        seats.map(|(_, account)| account.clone()).collect()
    }

    fn apply(&mut self, action: &Action) {
        match action {
            Action::RemoveAdmin { account } => self.vacate(account),
            Action::SetThreshold { threshold } => self.threshold = *threshold,
            Action::SetDelay { class, delay_s } => {
                let delay = self.terms.delays_s.get_mut(usize::from(class.number()));
                if let Some(delay) = delay {
                    *delay = *delay_s;
                }
            }
            Action::SetMembersRoot { new, count, .. } => {
                self.terms.members_root = *new;
                self.terms.members_count = *count;
            }
            Action::SetApp { app, .. } => self.terms.app = *app,
            Action::SetGuardian { guardian } => self.terms.guardian.clone_from(guardian),
            Action::Dissolve => self.is_dissolved = true,
            Action::NominateAdmin { .. }
            | Action::SetInviteRoot { .. }
            | Action::SetCaps { .. }
            | Action::SetMeta { .. } => {}
        }
    }

    fn vacate(&mut self, account: &Account) {
        self.seats.retain(|_, holder| holder != account);
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use types::{ContextId, Hash};

    use super::*;
    use crate::anchor::{Call, Event, NoHost, Record, Registry};

    fn account(who: u8) -> Account {
        Account::new(&[who; 20]).expect("an account")
    }

    #[test]
    fn revisions_tell_what_the_record_is() {
        let registry = Registry { chain: "eip155:1".parse().expect("legal"), account: account(9) };
        let terms = Terms {
            app: Hash::ZERO,
            members_root: Hash::ZERO,
            members_count: 1,
            flags: 0,
            delays_s: [0; 4],
            guardian: None,
            context: ContextId::from_bytes([3; 32]),
        };
        let made = Record::create(&registry, &account(1), [7; 32], terms).expect("legal");
        let (_, mut record, first) = made;
        let mut events = vec![first];
        let act = |action| Call::Act { actions: vec![action], expiry_s: 100 };
        let nominate = |who| Action::NominateAdmin { account: account(who), ttl_s: 60 };
        for (who, call) in [
            (1, act(nominate(2))),
            (2, Call::AcceptAdmin),
            (1, act(nominate(3))),
            (3, Call::AcceptAdmin),
            (2, Call::Renounce),
            (1, act(nominate(4))),
            (4, Call::AcceptAdmin),
            (1, act(Action::SetThreshold { threshold: 2 })),
        ] {
            let (next, told) = record.after(&account(who), &call, 10, &NoHost).expect("legal");
            (record, _) = (next, events.extend(told));
        }
        let revisions = events.iter().filter_map(|event| match event {
            Event::Rev { happened, .. } => Some(&**happened),
            _ => None,
        });
        let revisions: Vec<&Happened> = revisions.collect();
        let (first, rest) = revisions.split_first().expect("it was created");
        let mut outline = Outline::begin(first).expect("the first tells the beginning");
        rest.iter().for_each(|happened| outline.follow(happened));
        let seats = record.seats.iter().map(|(account, seat)| (seat.index, account.clone()));
        assert_eq!(outline.seats, seats.collect());
        assert_eq!((outline.threshold, &outline.terms), (2, &record.terms));
        assert_eq!(outline.holders(record.head.active), [1, 4, 3].map(account));
        assert_eq!(Outline::begin(rest[0]), None);
    }
}
