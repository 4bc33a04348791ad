//! Writes a trace: each step says what must come out, by `contracts/README.md`, and is compared
//! with the model.

use anyhow::Result;
use governance::anchor::Code;

use crate::{
    asks,
    cast::{Cast, START_S},
    script::{Ask, Deed, Expect, Hex, PerChain, Step, Terms, Trace},
    stage::Stage,
};

pub(crate) const MINUTE_S: u64 = 60;
pub(crate) const HOUR_S: u64 = 60 * MINUTE_S;
pub(crate) const DAY_S: u64 = 24 * HOUR_S;
/// Who governs in traces, in the order of their seats; others are called `admin-06` and so on.
pub(crate) const COUNCIL: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
/// The guardian, unless a trace says otherwise.
pub(crate) const GUARDIAN: &str = "grace";
/// Who has nothing to say.
pub(crate) const STRANGER: &str = "mallory";
/// How long a nomination of [`Scene::council`] stands.
const NOMINATION_S: u32 = 3600;

/// A trace that is being written.
#[derive(Debug)]
pub(crate) struct Scene {
    trace: Trace,
    stage: Stage,
    now_s: u64,
    next_s: Option<u64>,
    broken: Vec<String>,
}

/// A trace, who plays in it, and where the model says something else than its author.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) trace: Trace,
    pub(crate) cast: Cast,
    pub(crate) broken: Vec<String>,
}

/// Writes the trace called `name`; `summary` says why it must come out so.
///
/// # Errors
/// If its steps name what there is not.
pub(crate) fn write(
    name: &str,
    summary: &str,
    steps: impl FnOnce(&mut Scene) -> Result<()>,
) -> Result<Written> {
    let mut cast = Cast::new()?;
    cast.hire("alice")?;
    let salt = Hex::of([7; 32]);
    let stage = Stage::new(cast, "alice", &salt)?;
    let trace = Trace {
        name: name.to_owned(),
        summary: summary.to_owned(),
        creator: "alice".to_owned(),
        salt,
        context: PerChain { eip155: Hex::of(stage.context().as_hash().as_bytes()) },
        steps: Vec::new(),
        log_head: PerChain { eip155: Hex::of([0; 32]) },
    };
    let mut scene = Scene { trace, stage, now_s: START_S, next_s: None, broken: Vec::new() };
    steps(&mut scene)?;
    let Scene { mut trace, stage, broken, .. } = scene;
    trace.log_head.eip155 = Hex::of(stage.log_head().as_bytes());
    Ok(Written { trace, cast: stage.cast().clone(), broken })
}

impl Scene {
    // --- time

    /// The second of the next step: the one after the last, unless [`Scene::at`] says otherwise.
    pub(crate) fn next_s(&self) -> u64 {
        self.next_s.unwrap_or(self.now_s + 1)
    }

    /// The second of the last step.
    pub(crate) const fn now_s(&self) -> u64 {
        self.now_s
    }

    /// Puts the next step at this second.
    pub(crate) fn at(&mut self, at_s: u64) {
        self.next_s = Some(at_s);
    }

    /// A week after the next step.
    pub(crate) fn week_s(&self) -> u64 {
        self.next_s() + 7 * DAY_S
    }

    // --- steps

    /// `by` asks, and these events must come, whose names stand apart.
    pub(crate) fn ok(&mut self, by: &str, ask: Ask, events: &str) -> Result<()> {
        let told = self.step(by, ask)?;
        let told = told.map(|names| names.join(" "));
        self.compare(&told, &Ok(events.to_owned()));
        Ok(())
    }

    /// `by` asks, and must be refused with `code`.
    pub(crate) fn no(&mut self, by: &str, ask: Ask, code: Code) -> Result<()> {
        let before = (self.stage.head(), self.stage.log_head());
        let told = self.step(by, ask)?.map(|names| names.join(" "));
        self.compare(&told, &Err(code));
        if before != (self.stage.head(), self.stage.log_head()) {
            self.broken.push(format!("{}: refused, and still changed", self.trace.name));
        }
        Ok(())
    }

    /// The head must be this: rev, seats epoch, seq, threshold, admins, status, active.
    pub(crate) fn head(&mut self, expected: [u64; 7]) {
        let head = self.stage.record().map(|record| record.head);
        let told = head.map(|head| {
            let (threshold, admins) = (head.threshold.into(), head.admins.into());
            let status = head.status.number().into();
            [head.rev, head.seats_epoch.into(), head.seq, threshold, admins, status, head.active]
        });
        if told != Some(expected) {
            let step = self.trace.steps.len();
            let text = format!("{}: step {step}: {told:?}, not {expected:?}", self.trace.name);
            self.broken.push(text);
        }
    }

    fn step(&mut self, by: &str, ask: Ask) -> Result<Result<Vec<&'static str>, Code>> {
        self.hire(by, &ask)?;
        let at_s = self.next_s();
        if at_s <= self.now_s {
            self.broken.push(format!("{}: time goes back", self.trace.name));
        }
        (self.now_s, self.next_s) = (at_s, None);
        let wire = PerChain { eip155: Hex::of(self.stage.wire(by, &ask)?) };
        let outcome = self.stage.play(at_s, by, &ask)?;
        let names = outcome.map(|events| events.iter().map(|event| event.name()).collect());
        let expect = expect(&names, self.stage.head());
        self.trace.steps.push(Step { at_s, by: by.to_owned(), call: ask, wire, expect });
        Ok(names)
    }

    fn compare(&mut self, told: &Result<String, Code>, expected: &Result<String, Code>) {
        if told != expected {
            let step = self.trace.steps.len();
            let text = format!("{}: step {step}: {told:?}, not {expected:?}", self.trace.name);
            self.broken.push(text);
        }
    }

    fn hire(&mut self, by: &str, ask: &Ask) -> Result<()> {
        let cast = self.stage.cast_mut();
        cast.hire(by)?;
        asks::names(ask).into_iter().try_for_each(|name| cast.hire(name))
    }

    /// The bytes of a key that plays here, as `bind` takes it.
    pub(crate) fn key(&mut self, name: &str, scheme: u8) -> Result<Hex> {
        Ok(self.stage.cast_mut().forge(name, scheme)?.public.clone())
    }

    /// The address of an invite key that plays here.
    pub(crate) fn link(&mut self, name: &str) -> Result<Hex> {
        let key = self.stage.cast_mut().forge(name, crate::eip155::SECP256K1)?;
        key.address.clone().ok_or_else(|| anyhow::anyhow!("{name} has no address"))
    }

    /// Names in the order of their addresses, as approvals by signature must stand.
    pub(crate) fn ascending<'a>(&mut self, names: &[&'a str]) -> Result<Vec<&'a str>> {
        let mut sorted = Vec::new();
        for name in names {
            self.stage.cast_mut().hire(name)?;
            sorted.push((self.stage.cast().account(name)?, *name));
        }
        sorted.sort();
        Ok(sorted.into_iter().map(|(_, name)| name).collect())
    }

    // --- how most traces begin

    /// Alice makes a record without delays, with claims and a guardian.
    pub(crate) fn create(&mut self) -> Result<()> {
        self.create_with(asks::terms())
    }

    /// Alice makes a record on these terms.
    pub(crate) fn create_with(&mut self, terms: Terms) -> Result<()> {
        self.ok("alice", asks::create(terms), "Rev")
    }

    /// A record with so many seats taken, without delays, threshold 1.
    pub(crate) fn council(&mut self, admins: usize) -> Result<()> {
        self.create()?;
        self.seat(admins)
    }

    /// Seats admins until there are so many.
    pub(crate) fn seat(&mut self, admins: usize) -> Result<()> {
        let newcomers: Vec<String> = (1..admins).map(admin).collect();
        for names in newcomers.chunks(16) {
            let deeds = names.iter().map(|name| asks::nominate(name, NOMINATION_S)).collect();
            self.act("alice", deeds)?;
        }
        newcomers.iter().try_for_each(|name| self.ok(name, Ask::AcceptAdmin, "Rev"))
    }

    /// Sets the threshold and then delays (class, seconds), while one admin still decides at once.
    pub(crate) fn rules(&mut self, threshold: u8, delays_s: &[(u8, u32)]) -> Result<()> {
        let mut deeds = vec![asks::threshold(threshold)];
        deeds.extend(delays_s.iter().map(|(class, delay_s)| asks::delay(*class, *delay_s)));
        self.act("alice", deeds)
    }

    /// `by` does something that takes effect at once.
    pub(crate) fn act(&mut self, by: &str, deeds: Vec<Deed>) -> Result<()> {
        let events = format!("Proposed Queued{} Executed", " Rev".repeat(deeds.len()));
        self.ok(by, asks::act(deeds, self.week_s()), &events)
    }

    /// `by` proposes something that waits for approvals; its number.
    pub(crate) fn waiting(&mut self, by: &str, deeds: Vec<Deed>) -> Result<u64> {
        self.ok(by, asks::propose(deeds, self.week_s()), "Proposed")?;
        Ok(self.seq())
    }

    /// `by` proposes something that needs no other approval; its number.
    pub(crate) fn queued(&mut self, by: &str, deeds: Vec<Deed>) -> Result<u64> {
        self.ok(by, asks::propose(deeds, self.week_s()), "Proposed Queued")?;
        Ok(self.seq())
    }

    /// The number of the last proposal.
    pub(crate) fn seq(&self) -> u64 {
        self.stage.record().map_or(0, |record| record.head.seq)
    }
}

/// The name of the admin who takes seat `index`.
pub(crate) fn admin(index: usize) -> String {
    COUNCIL.get(index).map_or_else(|| format!("admin-{:02}", index + 1), |name| (*name).to_owned())
}

/// What is written of an outcome.
pub(crate) fn expect(names: &Result<Vec<&'static str>, Code>, head: [u8; 32]) -> Expect {
    match names {
        Ok(names) => {
            let events = names.iter().map(|name| (*name).to_owned()).collect();
            Expect::Done { events, head: Hex::of(head) }
        }
        Err(code) => Expect::Refused { error: format!("E{:02X}", code.number()) },
    }
}
