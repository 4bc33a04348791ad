//! One transition: the record is read, the model is asked, what differs is written back.

use candid::Principal;
use governance::anchor::{self, Account, Call, Code, Event, Invite, OnChainId, Record, Terms};
use ic_stable_structures::DefaultMemoryImpl;
use serde_bytes::ByteArray;
use types::{Hash, keccak256_concat};

use crate::{
    ask::Ask,
    heads::{self, Heads},
    host::Canister,
    room::{self, Till},
    row::{ProposalRow, RecordV1, RevisionRow, SettingsRow},
    store::Store,
    wire::{self, Answer, Outcome, Refusal, Settings},
};

/// Nanoseconds in a second.
const NS: u64 = 1_000_000_000;

/// Who calls, and when.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: Account,
    /// The subnet's time: nanoseconds of Unix time.
    pub(crate) time_ns: u64,
}

impl Caller {
    /// Unix time in seconds, as the machine counts.
    pub(crate) const fn now_s(&self) -> u64 {
        self.time_ns / NS
    }
}

/// The registry: its name, what is stored, what is certified.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) name: anchor::Registry,
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) heads: Heads,
}

/// What a call would come to.
#[derive(Debug)]
pub(crate) struct Verdict {
    row: RecordV1,
    before: Record,
    after: Record,
    pub(crate) events: Vec<Event>,
}

impl Registry {
    /// A new registry in empty memory.
    ///
    /// # Errors
    /// If the settings are out of bounds.
    pub(crate) fn install(
        memory: DefaultMemoryImpl,
        name: anchor::Registry,
        settings: Settings,
    ) -> Result<Self, &'static str> {
        settings.check()?;
        let mut store = Store::open(memory);
        store.set_settings(SettingsRow::of(name.chain.as_str(), &settings));
        Ok(Self { name, settings, store, heads: Heads::default() })
    }

    /// The registry in `memory`, after an upgrade; with other settings if any are given.
    ///
    /// # Errors
    /// If nothing is there, it is another chain's, or the settings are out of bounds.
    pub(crate) fn reopen(
        memory: DefaultMemoryImpl,
        name: anchor::Registry,
        settings: Option<Settings>,
    ) -> Result<Self, &'static str> {
        let mut store = Store::open(memory);
        let (chain, kept) = store.settings().settings().ok_or("no registry was installed here")?;
        if chain != name.chain.as_str() {
            return Err("the registry was installed on another chain");
        }
        let settings = settings.unwrap_or(kept);
        settings.check()?;
        store.set_settings(SettingsRow::of(&chain, &settings));
        let mut heads = Heads::default();
        for (context, row) in store.each_record() {
            heads.set(&context, &row);
        }
        Ok(Self { name, settings, store, heads })
    }

    /// The record of `context` with its open proposals, as far as `call` by `caller` can touch it.
    pub(crate) fn record(
        &self,
        context: &OnChainId,
        row: &RecordV1,
        caller: &Account,
        call: &Call,
    ) -> Record {
        let mut record = row.record(*context, self.name.log_start(context));
        self.store.load_proposals(&mut record);
        // Of what a record collects over time the machine looks at no more than this.
        let until_s = self.store.nomination(context, caller);
        record.nominated.extend(until_s.map(|until_s| (caller.clone(), until_s)));
        if let Call::ClaimInvite { invite, use_number, .. } = call {
            let nullifier = nullifier(invite, *use_number);
            record.nullifiers.extend(self.store.is_used(context, &nullifier).then_some(nullifier));
        }
        record
    }

    /// What `ask` would come to.
    ///
    /// # Errors
    /// The [`Code`] that it would be refused with.
    pub(crate) fn judge(&self, caller: &Caller, ask: &Ask) -> Result<Verdict, Code> {
        let Some(row) = self.store.record(&ask.context) else {
            return Err(ask.call.refusal_without_record().unwrap_or(Code::E10));
        };
        let before = self.record(&ask.context, &row, &caller.account, &ask.call);
        let now_s = caller.now_s();
        if let (Some(code), Call::Propose { expiry_s, .. } | Call::Act { expiry_s, .. }) =
            (ask.fault, &ask.call)
        {
            before.may_open(&caller.account, *expiry_s, now_s)?;
            return Err(code);
        }
        let (after, events) = before.after(&caller.account, &ask.call, now_s, &Canister)?;
        Ok(Verdict { row, before, after, events })
    }

    /// Does what `ask` says.
    ///
    /// # Errors
    /// Why not. Then nothing has changed.
    pub(crate) fn submit(&mut self, caller: &Caller, ask: Ask) -> Answer {
        let verdict = self.judge(caller, &ask)?;
        let Verdict { row, before, after, events } = verdict;
        let used = row.room_used.saturating_add(growth(&events, &before, &after));
        // What makes no history is never refused: proposals can always be closed.
        if used > row.room && used > row.room_used {
            return Err(room::unpaid(&format!("the record's {} bytes are full", row.room)));
        }
        self.write_back(&before, &after, ask.bytes);
        let times = heads::times(row.times, &events, caller.time_ns);
        let row = RecordV1::of(&after, times, (used, row.room));
        self.write(&after.id, row, &events, caller.time_ns);
        Ok(outcome(&after, &events))
    }

    /// What creating would come to, its price aside.
    ///
    /// # Errors
    /// [`Code::E01`], [`Code::E03`].
    pub(crate) fn judge_create(
        &self,
        caller: &Caller,
        salt: [u8; 32],
        terms: wire::Terms,
    ) -> Result<(Record, Event), Code> {
        if self.store.record(&self.name.context(&caller.account, &salt)).is_some() {
            return Err(Code::E01);
        }
        let terms = Terms::try_from(terms)?;
        let (_, record, event) = Record::create(&self.name, &caller.account, salt, terms)?;
        Ok((record, event))
    }

    /// Makes a record.
    ///
    /// # Errors
    /// [`Code::E01`], [`Code::E03`], [`Code::E02`]. Then nothing has changed.
    pub(crate) fn create(
        &mut self,
        caller: &Caller,
        salt: [u8; 32],
        terms: wire::Terms,
        till: &mut dyn Till,
    ) -> Answer {
        let (record, event) = self.judge_create(caller, salt, terms)?;
        let payer = wire::principal(&caller.account);
        room::take_record(&mut self.store, &self.settings, payer, till)?;
        let events = [event];
        let used = growth(&events, &record, &record);
        let times = heads::times([0; 32], &events, caller.time_ns);
        let row = RecordV1::of(&record, times, (used, self.settings.room_bytes));
        self.write(&record.id, row, &events, caller.time_ns);
        Ok(outcome(&record, &events))
    }

    /// Pays for one record that `account` will make.
    ///
    /// # Errors
    /// [`Code::E02`].
    pub(crate) fn buy_record(
        &mut self,
        account: Principal,
        till: &mut dyn Till,
    ) -> Result<wire::Allowance, Refusal> {
        if wire::account(&account).is_none() {
            return Err(room::unpaid("nobody makes records with that principal"));
        }
        room::buy_record(&mut self.store, &self.settings, account, till)
    }

    /// Pays for more room in a record; how much it has then.
    ///
    /// # Errors
    /// [`Code::E10`], [`Code::E02`].
    pub(crate) fn buy_room(
        &mut self,
        context: &OnChainId,
        till: &mut dyn Till,
    ) -> Result<u64, Refusal> {
        room::buy_room(&mut self.store, &self.settings, context, till)
    }

    /// Proposals, nominations and used invitations that differ; `bytes` are the batch of a new
    /// proposal.
    fn write_back(&mut self, before: &Record, after: &Record, bytes: Vec<u8>) {
        let id = &after.id;
        for seq in before.proposals.keys().filter(|seq| !after.proposals.contains_key(seq)) {
            self.store.close_proposal(id, *seq);
        }
        let mut bytes = Some(bytes);
        for (seq, proposal) in &after.proposals {
            let kept = before.proposals.get(seq);
            if kept != Some(proposal) {
                self.store.set_proposal(id, *seq, ProposalRow::of(proposal));
            }
            if kept.is_none() {
                let bytes = bytes.take().expect("a call makes one proposal at most");
                self.store.set_batch(id, *seq, bytes);
            }
        }
        for account in before.nominated.keys().filter(|who| !after.nominated.contains_key(who)) {
            self.store.set_nomination(id, account, None);
        }
        for (account, until_s) in &after.nominated {
            if before.nominated.get(account) != Some(until_s) {
                self.store.set_nomination(id, account, Some(*until_s));
            }
        }
        for nullifier in after.nullifiers.difference(&before.nullifiers) {
            self.store.set_used(id, nullifier);
        }
    }

    /// The record itself, its new revisions, and its head in the certified tree.
    fn write(&mut self, id: &OnChainId, row: RecordV1, events: &[Event], time_ns: u64) {
        for event in events {
            let Event::Rev { rev, happened, log_head } = event else { continue };
            let revision = RevisionRow::V1 {
                kind: happened.kind(),
                height: 0,
                time_ns,
                payload: happened.payload(),
                log_head: *log_head.as_bytes(),
            };
            self.store.set_revision(id, *rev, revision);
        }
        self.heads.set(id, &row);
        self.store.set_record(id, row);
    }
}

/// Bytes that `events` add for good.
fn growth(events: &[Event], before: &Record, after: &Record) -> u64 {
    let revisions = events.iter().map(|event| match event {
        Event::Rev { happened, .. } => room::revision_bytes(happened),
        _ => 0,
    });
    let used = after.nullifiers.difference(&before.nullifiers);
    let nullifiers = used.map(|_| room::nullifier_bytes());
    revisions.chain(nullifiers).fold(0, u64::saturating_add)
}

fn outcome(record: &Record, events: &[Event]) -> Outcome {
    Outcome {
        context: wire::bytes32(record.id.as_hash()),
        head: ByteArray::new(record.head.pack()),
        log_head: wire::bytes32(&record.log_head),
        events: events.iter().map(wire::Event::from).collect(),
    }
}

/// What the machine keeps of a used invitation: `keccak(leaf ‖ use u32)`.
fn nullifier(invite: &Invite, use_number: u32) -> Hash {
    keccak256_concat(&[invite.leaf().as_bytes(), &use_number.to_be_bytes()])
}
