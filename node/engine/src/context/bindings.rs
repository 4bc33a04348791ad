//! Whether members' accounts still stand behind them.
//!
//! A proof that leaves its last word to the chain was good in one block. The key that made it may
//! be taken from the account later: then the binding has lapsed. The log does not change by that,
//! since its readers must all hear the same; people see it, and an admin can remove the member.

use std::{collections::BTreeMap, time::Duration};

use chain::Question;
use governance::log::{Admission, Answer, Change, Claim, Entry};
use tokio::time::Instant;
use types::{Hash, MemberKey};

use super::{Context, now, wallets::When};
use crate::error::EngineError;

/// How often wallets are asked.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// How many are asked at a time.
const CHECKED_MAX: usize = 16;

/// The bindings of members that rest on what a chain says, and how they stand.
#[derive(Debug)]
pub(super) struct Bindings {
    of: BTreeMap<MemberKey, Binding>,
    /// Who was asked about last.
    last: Option<MemberKey>,
    next: Instant,
}

#[derive(Debug)]
struct Binding {
    name: Hash,
    question: Question,
    has_lapsed: bool,
}

impl Bindings {
    pub(super) fn new() -> Self {
        Self { of: BTreeMap::new(), last: None, next: Instant::now() }
    }

    /// When wallets are asked next; `None` if there are none to ask.
    pub(super) fn next(&self) -> Option<Instant> {
        (!self.of.is_empty()).then_some(self.next)
    }

    /// Whether the chain no longer confirms the account of `member`.
    pub(super) fn has_lapsed(&self, member: &MemberKey) -> bool {
        self.of.get(member).is_some_and(|binding| binding.has_lapsed)
    }

    /// The next ones to ask about, going round.
    fn due(&mut self, now: Instant) -> Vec<(MemberKey, Hash, Question)> {
        if now < self.next {
            return Vec::new();
        }
        self.next = now + CHECK_INTERVAL;
        let after = self.last.map_or(core::ops::Bound::Unbounded, core::ops::Bound::Excluded);
        let rest = self.of.range((after, core::ops::Bound::Unbounded));
        let rest = rest.chain(self.of.iter()).take(CHECKED_MAX.min(self.of.len()));
        let due: Vec<_> = rest
            .map(|(member, binding)| (*member, binding.name, binding.question.clone()))
            .collect();
        self.last = due.last().map(|(member, ..)| *member);
        due
    }
}

impl Context {
    /// Reads from the log whose accounts a chain had to confirm.
    ///
    /// # Errors
    /// [`EngineError::Store`], [`EngineError::Corrupt`].
    pub(super) fn read_bindings(&mut self) -> Result<(), EngineError> {
        let mut after_epoch = 0;
        // Terminates: each turn reads the entries after the last one read.
        loop {
            let entries = self.log_page(after_epoch)?;
            let Some(last) = entries.last() else { return Ok(()) };
            after_epoch = last.epoch;
            entries.iter().for_each(|entry| self.note_bindings(entry));
        }
    }

    /// Takes up the bindings that `entry` makes, and drops those of whom it removes.
    pub(super) fn note_bindings(&mut self, entry: &Entry) {
        let Some(body) = &entry.batch else { return };
        for change in &body.body.changes {
            match change {
                Change::Add { admission: Admission::Invited { invitation, claim }, .. } => {
                    let proof = claim.account.clone().zip(claim.wallet_proof.as_ref());
                    let Some((account, proof)) = proof else { continue };
                    let (key, at_s) = (claim.member.key, now().0 / 1_000);
                    let binding = Claim::binding(&invitation.body, key, account, at_s);
                    if let Some((name, question)) = self.node.verifier().question(&binding, proof) {
                        let binding = Binding { name, question, has_lapsed: false };
                        self.bindings.of.insert(key, binding);
                    }
                }
                Change::Remove { member } => drop(self.bindings.of.remove(member)),
                _ => {}
            }
        }
    }

    /// Asks the chain about the next members, once it is time to.
    pub(super) fn check_bindings(&mut self) {
        for (member, name, question) in self.bindings.due(Instant::now()) {
            let account = question.account.clone();
            if let Err(error) = self.ask_wallet(name, question, When::Standing(member)) {
                tracing::warn!(context = ?self.id, %account, %error, "an account is not checked");
            }
        }
    }

    /// What the newest final block says about the account of `member`.
    pub(super) fn binding_stands(&mut self, member: &MemberKey, answer: Answer) {
        let Some(binding) = self.bindings.of.get_mut(member) else { return };
        let has_lapsed = match answer {
            Answer::Valid => false,
            Answer::Invalid => true,
            Answer::Unknown => return,
        };
        if has_lapsed != binding.has_lapsed {
            let account = &binding.question.account;
            tracing::warn!(context = ?self.id, ?member, %account, has_lapsed, "a binding changed");
        }
        binding.has_lapsed = has_lapsed;
    }
}
