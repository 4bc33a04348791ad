//! How many certified updates the replica bears. In a process of its own, which is measured.

use std::time::Instant;

use anchorhold_devnet_icp::{DevAccount, Devnet, InstallMode};
use ic_agent::{Agent, identity::BasicIdentity};

const COUNTER: &str = include_str!("../testdata/counter.wat");
/// Calls of the measurement, and how many are under way at once.
const CALLS: usize = 400;
const CLIENTS: usize = 8;
/// What it must bear for each second of one processor, clients that check all certificates
/// included. By the wall, a machine that is busy with other things would fail.
const CALLS_PER_CPU_S_MIN: f64 = 100.0;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_updates_a_second_are_certified() {
    let devnet = Devnet::start().await.expect("it starts");
    let account = DevAccount::new(0);
    let counter = devnet.with(|replica| {
        let id = replica.create_canister(&[account.principal]).expect("there is room");
        let wasm = wat::parse_str(COUNTER).expect("well-formed");
        let installed = replica.install(id, InstallMode::Install, &wasm, b"", account.principal);
        installed.expect("it is installed");
        id
    });
    let identity = BasicIdentity::from_raw_key(&account.secret);
    let agent = Agent::builder().with_url(devnet.url()).with_identity(identity).build();
    let agent = agent.expect("the address is one");
    agent.set_root_key(devnet.root_key());

    let (began, cpu_began_s) = (Instant::now(), cpu_s());
    let clients = (0..CLIENTS).map(|_| {
        let agent = agent.clone();
        tokio::spawn(async move {
            for _ in 0..CALLS / CLIENTS {
                agent.update(&counter, "add").call_and_wait().await.expect("it adds");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("it ends");
    }
    let rate = CALLS as f64 / began.elapsed().as_secs_f64();
    let cpu_rate = CALLS as f64 / (cpu_s() - cpu_began_s);
    println!("{rate:.0} update calls a second, {cpu_rate:.0} for a second of one processor");
    let told = agent.query(&counter, "count").call().await.expect("it answers");
    assert_eq!(told, (CALLS as u64).to_le_bytes());
    assert!(cpu_rate >= CALLS_PER_CPU_S_MIN, "only {cpu_rate:.0} calls");
}

/// Seconds of processors that this process has used.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let (_, fields) = stat.rsplit_once(')').expect("the name ends");
    // From the third field on; user and system time are the 14th and the 15th, in hundredths.
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / 100.0
}
