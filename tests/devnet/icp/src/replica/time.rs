//! Time, and what happens because it passes.

use std::time::Duration;

use super::{
    Replica, Status,
    deliver::{Message, Task},
};

/// How long a call that ended is remembered after it could have come again, in nanoseconds.
const MEMORY_NS: u64 = 300_000_000_000;

impl Replica {
    /// The time in nanoseconds since the Unix epoch, the same until it is set.
    pub fn time_ns(&self) -> u64 {
        self.time_ns
    }

    /// Sets the time, and does what is due then. The Internet Computer's time never goes back;
    /// this one may, for what it is worth.
    pub fn set_time_ns(&mut self, time_ns: u64) {
        self.time_ns = time_ns;
        self.tick();
    }

    /// Lets time pass at once, and does what is due then.
    pub fn advance(&mut self, time: Duration) {
        let passed = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.set_time_ns(self.time_ns.saturating_add(passed));
    }

    /// Lets the time follow a clock that may stand still or go back; time itself does neither.
    pub(crate) fn follow(&mut self, clock_ns: u64) {
        self.time_ns = clock_ns.max(self.time_ns.saturating_add(1));
    }

    /// Does what is due: bounded waits that ended, timers, heartbeats.
    pub fn tick(&mut self) {
        self.expire();
        self.requests.forget(self.time_ns.saturating_sub(MEMORY_NS));
        for (id, canister) in &mut self.canisters {
            let Some(code) = &canister.code else { continue };
            if canister.status != Status::Running {
                continue;
            }
            let mut tasks = Vec::new();
            if canister.timer_ns != 0 && canister.timer_ns <= self.time_ns {
                canister.timer_ns = 0;
                tasks.push(Task::Timer);
            }
            tasks.push(Task::Heartbeat);
            let tasks = tasks.into_iter().filter(|task| code.module.exports(task.entry()));
            self.queue.extend(tasks.map(|task| Message::Task(*id, task)));
        }
        self.step();
    }
}
