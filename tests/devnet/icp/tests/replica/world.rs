//! A replica with canisters in it.

use anchorhold_devnet_icp::{Answer, Call, InstallMode, Principal, Reject, Replica, ReplicaConfig};

pub(crate) const COUNTER: &str = include_str!("../../testdata/counter.wat");
pub(crate) const RELAY: &str = include_str!("../../testdata/relay.wat");

/// A replica, and whoever controls its canisters.
pub(crate) struct World {
    pub(crate) replica: Replica,
    pub(crate) admin: Principal,
}

impl World {
    pub(crate) fn new() -> Self {
        let config = ReplicaConfig {
            update_instructions_max: 100_000_000,
            query_instructions_max: 100_000_000,
            ..ReplicaConfig::default()
        };
        let admin = Principal::self_authenticating(b"an admin's key");
        Self { replica: Replica::new(config), admin }
    }

    /// A canister with this code.
    pub(crate) fn canister(&mut self, wat: &str, arg: &[u8]) -> Principal {
        let id = self.replica.create_canister(&[self.admin]).expect("there is room");
        self.install(id, InstallMode::Install, wat, arg).expect("it is installed");
        id
    }

    pub(crate) fn install(
        &mut self,
        id: Principal,
        mode: InstallMode,
        wat: &str,
        arg: &[u8],
    ) -> Result<u64, Reject> {
        let wasm = wat::parse_str(wat).expect("well-formed");
        self.replica.install(id, mode, &wasm, arg, self.admin)
    }

    pub(crate) fn call(&self, canister: Principal, method: &str, arg: &[u8]) -> Call {
        Call { canister, sender: self.admin, method: method.to_owned(), arg: arg.to_vec() }
    }

    pub(crate) fn update(
        &mut self,
        id: Principal,
        method: &str,
        arg: &[u8],
    ) -> Result<Answer, Reject> {
        let call = self.call(id, method, arg);
        self.replica.update(&call)
    }

    pub(crate) fn query(&mut self, id: Principal, method: &str) -> Vec<u8> {
        let call = self.call(id, method, b"");
        self.replica.query(&call).expect("it answers").reply
    }

    /// The number that a counter tells.
    pub(crate) fn count(&mut self, id: Principal) -> u64 {
        number(&self.query(id, "count"))
    }
}

pub(crate) fn number(reply: &[u8]) -> u64 {
    u64::from_le_bytes(reply.try_into().expect("eight bytes"))
}

/// The argument of a relay's methods.
pub(crate) fn relayed(callee: Principal, method: &str, arg: &[u8]) -> Vec<u8> {
    let callee = callee.as_slice();
    [&[callee.len() as u8], callee, &[method.len() as u8], method.as_bytes(), arg].concat()
}
