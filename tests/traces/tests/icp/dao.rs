//! A canister holds a seat: two decide there, and it acts by a call to the registry.

use candid::Principal;
use devnet_icp::{Answer as Reply, Call as IcCall, InstallMode, Reject};
use governance::anchor::{Account, Action, Call, Code, OnChainId};

use crate::{
    wire::{Answer, answer, argument, principal},
    world::{PRICE, World, account, approve, members, names, operator, terms},
};

/// A canister that decides by two.
struct Dao {
    id: Principal,
    account: Account,
}

impl Dao {
    fn new(world: &mut World) -> Self {
        let code = wat::parse_str(include_str!("dao.wat")).expect("it is WebAssembly");
        let id = world.replica.create_canister(&[operator()]).expect("there is room");
        let installed = world.replica.install(id, InstallMode::Install, &code, &[], operator());
        installed.expect("it is installed");
        Self { id, account: Account::new(id.as_slice()).expect("an account") }
    }

    /// Carol proposes a call of the registry, and dave votes for it.
    fn decide(
        &self,
        world: &mut World,
        (method, arg): (&str, Vec<u8>),
        cycles: u64,
    ) -> Result<Reply, Reject> {
        let len = |bytes: &[u8]| u8::try_from(bytes.len()).expect("short");
        let callee = world.registry;
        let (callee, name) = (callee.as_slice(), method.as_bytes());
        let head = [&[len(callee)], callee, &[len(name)], name].concat();
        let packed = [&head[..], &cycles.to_le_bytes(), &arg].concat();
        self.ask(world, "carol", "propose", packed).expect("anybody proposes");
        self.ask(world, "carol", "vote", Vec::new()).expect_err("it takes two");
        self.ask(world, "dave", "vote", Vec::new())
    }

    fn ask(
        &self,
        world: &mut World,
        by: &str,
        method: &str,
        arg: Vec<u8>,
    ) -> Result<Reply, Reject> {
        let sender = principal(&account(by));
        let call = IcCall { canister: self.id, sender, method: method.to_owned(), arg };
        world.replica.update(&call)
    }

    fn act(&self, world: &mut World, context: &OnChainId, call: &Call) -> Answer {
        let reply = self.decide(world, argument(context, call, None), 0);
        answer(&reply.expect("the registry answers").reply)
    }
}

#[test]
fn a_canister_holds_a_seat_and_acts() {
    let mut world = World::new(&["alice"]);
    let (alice, dao) = (account("alice"), Dao::new(&mut world));
    let context = world.create(&alice, 1);
    let expiry_s = world.week_s();
    let nominate = Action::NominateAdmin { account: dao.account.clone(), ttl_s: 3600 };
    let both = vec![nominate];
    world.done(&alice, &context, &Call::Act { actions: both, expiry_s });
    let seated = dao.act(&mut world, &context, &Call::AcceptAdmin).expect("it was nominated");
    assert_eq!(names(&seated), "Rev");
    let record = world.record(&context).expect("it is there");
    assert!(record.seats.iter().any(|seat| seat.account == dao.id), "{record:?}");

    let actions = vec![Action::SetThreshold { threshold: 2 }];
    world.done(&alice, &context, &Call::Act { actions, expiry_s });
    let actions = vec![members(16)];
    world.done(&alice, &context, &Call::Propose { actions: actions.clone(), expiry_s });
    let again = world.measured(&alice, (&context, &approve(2, &actions)), None).0;
    assert_eq!(again.expect_err("she did").code, Code::E20.number());
    let seq = world.proposals(&context)[0].seq;
    let call = Call::ApproveAndExecute { seq, actions };
    let outcome = dao.act(&mut world, &context, &call).expect("the second of two");
    assert_eq!(names(&outcome), "Approved Queued Rev Executed");
    world.check(&context);
    // A refusal reaches the canister as an answer, not as a rejection.
    let refusal = dao.act(&mut world, &context, &call).expect_err("it is closed");
    assert_eq!(refusal.code, Code::E20.number());
}

#[test]
fn a_canister_creates_and_pays() {
    let mut world = World::new(&[]);
    let dao = Dao::new(&mut world);
    let salt = [1; 32];
    let context = world.name.context(&dao.account, &salt);
    let create = argument(&context, &Call::Create { salt, terms: terms() }, None);
    let before = world.replica.balance(dao.id).expect("it is there");
    let refused = dao.decide(&mut world, create.clone(), PRICE - 1).expect("answered");
    assert_eq!(answer(&refused.reply).expect_err("too little").code, Code::E02.number());
    let between = world.replica.balance(dao.id).expect("it is there");
    assert!(before - between < 1_000_000_000, "the cycles came back: {before} to {between}");
    // What came beyond the price goes back.
    let made = dao.decide(&mut world, create, 3 * PRICE).expect("answered");
    answer(&made.reply).expect("it is paid");
    let after = world.replica.balance(dao.id).expect("it is there");
    let paid = between - after;
    assert!((u128::from(PRICE)..u128::from(PRICE) + 1_000_000_000).contains(&paid), "{paid}");
    let seats = world.record(&context).expect("it is there").seats;
    assert_eq!(seats[0].account, dao.id);
    world.check(&context);
}

#[test]
fn what_is_not_decodable_is_rejected_for_canisters_too() {
    let mut world = World::new(&["alice"]);
    let dao = Dao::new(&mut world);
    let reject = dao.decide(&mut world, ("renounce", vec![0; 9000]), 0);
    assert!(reject.expect_err("too long").message.contains("9000 bytes"), "no inspection helps");
    dao.decide(&mut world, ("renounce", b"DIDL\x00\x00".to_vec()), 0).expect_err("no context");
    dao.decide(&mut world, ("no_such_method", Vec::new()), 0).expect_err("no method");
}
