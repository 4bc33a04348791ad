//! What each operation costs, against `contracts/icp/snapshots/costs.json`.
//!
//! With `ANCHORHOLD_WRITE_COSTS` set the file is written.

use std::{collections::BTreeMap, env, fs};

use governance::anchor::{Account, Action, Call, OnChainId};

use crate::{
    binding::binding,
    world::{World, account, approve, folder, members, terms},
};

/// Per cent by which a cost may differ before the table is wrong.
const TOLERANCE: u64 = 5;

/// Instructions by operation.
type Costs = BTreeMap<String, u64>;

#[test]
fn operations_cost_what_the_table_says() {
    let measured = measure();
    let path = folder().join("snapshots/costs.json");
    if env::var_os("ANCHORHOLD_WRITE_COSTS").is_some() {
        let text = serde_json::to_string_pretty(&measured).expect("JSON");
        fs::write(&path, text + "\n").expect("it can be written");
    }
    let text = fs::read_to_string(&path).expect("the table is there");
    let table: Costs = serde_json::from_str(&text).expect("a table");
    for (operation, cost) in &measured {
        println!("{operation}: {cost}");
    }
    assert_eq!(table.keys().collect::<Vec<_>>(), measured.keys().collect::<Vec<_>>());
    for (operation, cost) in measured {
        let told = table[&operation];
        let apart = told.abs_diff(cost);
        assert!(apart * 100 <= told * TOLERANCE, "{operation}: {cost}, the table says {told}");
    }
}

struct Meter {
    world: World,
    context: OnChainId,
    costs: Costs,
}

impl Meter {
    fn cost(&mut self, operation: &str, by: &Account, call: &Call) {
        let (answer, instructions) = self.world.measured(by, (&self.context, call), None);
        answer.unwrap_or_else(|refusal| panic!("{operation}: {refusal:?}"));
        self.costs.insert(operation.to_owned(), instructions);
    }
}

fn measure() -> Costs {
    let people = ["alice", "bob", "carol", "dave", "erin"].map(account);
    let [alice, bob, carol, dave, _] = &people;
    let mut world = World::new(&["alice"]);
    let context = world.council(&people, 3);
    let expiry_s = world.week_s();
    let mut meter = Meter { world, context, costs: Costs::new() };

    let actions = vec![members(16)];
    meter.cost("propose a change", alice, &Call::Propose { actions: actions.clone(), expiry_s });
    let seq = u64::from(meter.world.head(&context).head[19]);
    meter.cost("approve it", bob, &approve(seq, &actions));
    meter.cost("take an approval back", bob, &Call::Unapprove { seq });
    meter.world.done(bob, &context, &approve(seq, &actions));
    meter.cost("approve it last", carol, &approve(seq, &actions));
    meter.cost("execute it", dave, &Call::Execute { seq, actions });
    let actions = vec![members(17)];
    meter.world.done(alice, &context, &Call::Propose { actions: actions.clone(), expiry_s });
    let seq = seq + 1;
    meter.world.done(bob, &context, &approve(seq, &actions));
    let last = Call::ApproveAndExecute { seq, actions };
    meter.cost("approve last and execute at once", carol, &last);
    let actions = vec![members(18)];
    meter.world.done(alice, &context, &Call::Propose { actions, expiry_s });
    meter.cost("withdraw a proposal", alice, &Call::Cancel { seq: seq + 1 });
    meter.cost("give a seat up", dave, &Call::Renounce);
    meter.cost("freeze", &account("grace"), &Call::Freeze { secs: 1 });
    let bind = binding(&meter.world, &meter.context, bob);
    meter.cost("bind an Ed25519 key", bob, &bind);
    alone(&mut meter, alice);
    meter.costs
}

/// What an admin alone does.
fn alone(meter: &mut Meter, alice: &Account) {
    let salt = [9; 32];
    meter.context = meter.world.name.context(alice, &salt);
    meter.cost("create a record", alice, &Call::Create { salt, terms: terms() });
    let expiry_s = meter.world.week_s();
    let actions = vec![members(16)];
    meter.cost("a change by one admin", alice, &Call::Act { actions, expiry_s });
    let frank = account("frank");
    let actions = vec![Action::NominateAdmin { account: frank.clone(), ttl_s: 60 }];
    meter.cost("nominate an admin", alice, &Call::Act { actions, expiry_s });
    meter.cost("take a seat", &frank, &Call::AcceptAdmin);
    let actions = (17..33).map(members).collect();
    meter.cost("a change of 16 actions by one admin", alice, &Call::Act { actions, expiry_s });
}
