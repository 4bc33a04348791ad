//! A chain with the registry on it, and the words to call it.

use std::{fs, path::PathBuf};

use devnet_near::{
    AccountId, Balance, Call as NearCall, Chain, ChainConfig, Gas, GenesisAccount, Report,
};
use governance::anchor::{
    Account, Action, Call, Code, Head, OnChainId, Registry, Terms, encode_actions,
};
use serde_json::{Value, json};
use types::{ContextId, Hash};

/// When the chain begins, Unix seconds.
pub(crate) const START_S: u64 = 1_800_000_000;
pub(crate) const DAY_S: u64 = 86_400;
/// What a byte of state costs, yoctoNEAR.
pub(crate) const BYTE_YOCTO: u128 = 10_000_000_000_000_000_000;
/// What calls have at hand: more than any of them costs.
pub(crate) const DEPOSIT: Balance = Balance::from_millinear(300);
/// What every account begins with.
const BALANCE: Balance = Balance::from_near(1_000);

/// A chain with the registry on it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) chain: Chain,
    pub(crate) registry: AccountId,
    now_s: u64,
}

/// What a call came to.
pub(crate) type Answer = Result<Report, Code>;

/// The committed contract.
pub(crate) fn artifact() -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../contracts/near/artifact/registry.wasm");
    fs::read(path).expect("the contract is built")
}

pub(crate) fn id(name: &str) -> AccountId {
    name.parse().expect("an account's name")
}

pub(crate) fn account(id: &AccountId) -> Account {
    Account::new(id.as_str().as_bytes()).expect("an account")
}

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    ["0x", &hex::encode(bytes)].concat()
}

impl World {
    /// The registry is on `registry.near`, and these accounts are there.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let registry = id("registry.near");
        let accounts = names.into_iter().map(id).chain([registry.clone()]);
        let accounts = accounts.map(|id| GenesisAccount::new(id, BALANCE)).collect();
        let config = ChainConfig { accounts, genesis_time_s: START_S, ..ChainConfig::default() };
        let mut chain = Chain::new(config);
        let deployed = chain.deploy(&registry, &artifact()).expect("it is included");
        assert_eq!(deployed.failure(), None, "the contract is deployed");
        Self { chain, registry, now_s: START_S }
    }

    pub(crate) fn place(&self) -> Registry {
        let chain = format!("near:{}", self.chain.config().chain_id);
        Registry { chain: chain.parse().expect("a chain"), account: account(&self.registry) }
    }

    /// The next block is in this second.
    pub(crate) fn at(&mut self, at_s: u64) {
        self.now_s = at_s;
        self.chain.set_time_s(at_s);
    }

    /// Some seconds later.
    pub(crate) fn wait(&mut self, seconds: u64) {
        self.at(self.now_s + seconds);
    }

    pub(crate) const fn now_s(&self) -> u64 {
        self.now_s
    }

    /// `by` asks for `call`, with more than enough.
    pub(crate) fn ask(&mut self, by: &AccountId, context: &OnChainId, call: &Call) -> Answer {
        self.send(by, self.call(context, call, None))
    }

    pub(crate) fn call(&self, context: &OnChainId, call: &Call, batch: Option<&[u8]>) -> NearCall {
        let (method, args) = arguments(context, call, batch);
        NearCall::new(&self.registry, method, args.to_string()).with_deposit(DEPOSIT)
    }

    /// Sends it; what is refused is told by its code.
    ///
    /// # Panics
    /// If it fails in another way than by a refusal.
    pub(crate) fn send(&mut self, by: &AccountId, call: NearCall) -> Answer {
        let method = call.method.clone();
        let report = self.chain.call(by, call).expect("it is included");
        match report.failure() {
            None => Ok(report),
            Some(text) => Err(code_in(&text).unwrap_or_else(|| panic!("{method}: {text}"))),
        }
    }

    pub(crate) fn view(&self, method: &str, args: &Value) -> Value {
        let viewed = self.chain.view(&self.registry, method, args.to_string().as_bytes());
        let viewed = viewed.unwrap_or_else(|error| panic!("{method}: {error:?}"));
        serde_json::from_slice(&viewed.value).expect("JSON")
    }

    /// All that the registry keeps.
    pub(crate) fn state(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.chain.storage_entries(&self.registry, &[])
    }

    /// The packed head and the log head, as they stand in the state; zero where there are none.
    pub(crate) fn heads(&self, context: &OnChainId) -> ([u8; 32], Hash) {
        let key = [&[0], &context.as_hash().as_bytes()[..]].concat();
        let Some(value) = self.chain.storage(&self.registry, &key) else {
            return ([0; 32], Hash::ZERO);
        };
        let word = |at: usize| value[at..at + 32].try_into().expect("32 bytes");
        (word(0), Hash::from_bytes(word(32)))
    }

    pub(crate) fn head(&self, context: &OnChainId) -> Head {
        Head::unpack(&self.heads(context).0).expect("there is a record")
    }

    /// What the registry has beyond what its state must be covered by, in yoctoNEAR.
    pub(crate) fn surplus(&self) -> u128 {
        let account = self.chain.account(&self.registry).expect("it is there");
        account.amount().as_yoctonear() - u128::from(account.storage_usage()) * BYTE_YOCTO
    }

    pub(crate) fn balance(&self, id: &AccountId) -> u128 {
        self.chain.account(id).expect("it is there").amount().as_yoctonear()
    }

    // --- how tests begin

    /// `by` makes a record without delays, with claims and a guardian.
    pub(crate) fn create(&mut self, by: &AccountId) -> OnChainId {
        let call = Call::Create { salt: [7; 32], terms: terms() };
        let context = self.place().context(&account(by), &[7; 32]);
        self.ask(by, &context, &call).expect("it is made");
        context
    }

    /// A record of the first of `admins`, in which the others sit too.
    pub(crate) fn council(&mut self, admins: &[AccountId]) -> OnChainId {
        let (first, others) = admins.split_first().expect("somebody");
        let context = self.create(first);
        for newcomers in others.chunks(16) {
            let nominate = |id| Action::NominateAdmin { account: account(id), ttl_s: 3_600 };
            let actions = newcomers.iter().map(nominate).collect();
            self.act(first, &context, actions).expect("they are nominated");
        }
        for admin in others {
            self.ask(admin, &context, &Call::AcceptAdmin).expect("it sits");
        }
        context
    }

    pub(crate) fn act(
        &mut self,
        by: &AccountId,
        context: &OnChainId,
        actions: Vec<Action>,
    ) -> Answer {
        let expiry_s = self.now_s + 7 * DAY_S;
        self.ask(by, context, &Call::Act { actions, expiry_s })
    }

    pub(crate) fn propose(
        &mut self,
        by: &AccountId,
        context: &OnChainId,
        actions: Vec<Action>,
    ) -> Answer {
        let expiry_s = self.now_s + 7 * DAY_S;
        self.ask(by, context, &Call::Propose { actions, expiry_s })
    }
}

/// No delays, claims, a guardian.
pub(crate) fn terms() -> Terms {
    Terms {
        app: Hash::from_bytes([0x0a; 32]),
        members_root: Hash::from_bytes([0x10; 32]),
        members_count: 1,
        flags: 1,
        delays_s: [0; 4],
        guardian: Some(account(&id("grace.near"))),
        context: ContextId::from_bytes([0x0c; 32]),
    }
}

/// The usual change: the members root, compared and set.
pub(crate) fn members(prev: u8, new: u8) -> Action {
    Action::SetMembersRoot {
        prev: Hash::from_bytes([prev; 32]),
        new: Hash::from_bytes([new; 32]),
        count: 2,
        delta_hash: Hash::from_bytes([0x0d; 32]),
    }
}

/// The code with which a refusal's text begins.
pub(crate) fn code_in(text: &str) -> Option<Code> {
    // The VM quotes what a contract panicked with.
    let (_, said) = text.split_once("panicked: ")?;
    let digits = said.strip_prefix('E')?.split(' ').next()?;
    Code::from_number(u16::from_str_radix(digits, 16).ok()?)
}

/// The method of `call` and its arguments; `batch` goes in place of its actions.
pub(crate) fn arguments(
    context: &OnChainId,
    call: &Call,
    batch: Option<&[u8]>,
) -> (&'static str, Value) {
    let context = hex(context.as_hash().as_bytes());
    let text = |number: &u64| number.to_string();
    let bytes = |actions: &[Action]| {
        hex(batch.map_or_else(|| encode_actions(actions).expect("a batch"), <[u8]>::to_vec))
    };
    match call {
        Call::Create { salt, terms } => {
            ("create", json!({"salt": hex(salt), "terms": terms_json(terms)}))
        }
        Call::Propose { actions, expiry_s } => (
            "propose",
            json!({"context": context, "actions": bytes(actions), "expiry_s": text(expiry_s)}),
        ),
        Call::Act { actions, expiry_s } => (
            "act",
            json!({"context": context, "actions": bytes(actions), "expiry_s": text(expiry_s)}),
        ),
        Call::Approve { seq, actions_hash } => (
            "approve",
            json!({
                "context": context, "seq": text(seq), "actions_hash": hex(actions_hash.as_bytes()),
            }),
        ),
        Call::ApproveBySigs { .. } => panic!("this chain has no approvals by signature"),
        Call::ApproveAndExecute { seq, actions } => (
            "approve_and_execute",
            json!({"context": context, "seq": text(seq), "actions": bytes(actions)}),
        ),
        Call::Execute { seq, actions } => {
            ("execute", json!({"context": context, "seq": text(seq), "actions": bytes(actions)}))
        }
        Call::Unapprove { seq } => ("unapprove", json!({"context": context, "seq": text(seq)})),
        Call::Cancel { seq } => ("cancel", json!({"context": context, "seq": text(seq)})),
        Call::Veto { seq } => ("veto", json!({"context": context, "seq": text(seq)})),
        Call::Expire { seq } => ("expire", json!({"context": context, "seq": text(seq)})),
        Call::AcceptAdmin => ("accept_admin", json!({"context": context})),
        Call::Renounce => ("renounce", json!({"context": context})),
        Call::Freeze { secs } => ("freeze", json!({"context": context, "secs": secs})),
        Call::Bind { .. } | Call::Unbind { .. } | Call::ClaimInvite { .. } => {
            evidence(&context, call)
        }
    }
}

fn evidence(context: &str, call: &Call) -> (&'static str, Value) {
    match call {
        Call::Bind { scheme, key, signature, expiry_s } => (
            "bind",
            json!({
                "context": context, "scheme": scheme, "key": hex(key),
                "signature": hex(signature), "expiry_s": expiry_s.to_string(),
            }),
        ),
        Call::Unbind { key } => ("unbind", json!({"context": context, "key": hex(key)})),
        Call::ClaimInvite { key, invite, use_number, proof, signature } => {
            let proof: Vec<String> = proof.iter().map(|step| hex(step.as_bytes())).collect();
            let invite = json!({
                "key": hex(invite.key), "expiry_s": invite.expiry_s.to_string(),
                "role": invite.role, "uses": invite.uses,
            });
            (
                "claim_invite",
                json!({
                    "context": context, "key": hex(key), "invite": invite, "use": use_number,
                    "proof": proof, "signature": hex(signature),
                }),
            )
        }
        _ => panic!("it tells nothing of a key"),
    }
}

fn terms_json(terms: &Terms) -> Value {
    let guardian = terms.guardian.as_ref().map(|guardian| {
        str::from_utf8(guardian.as_bytes()).expect("NEAR's accounts are text").to_owned()
    });
    json!({
        "app": hex(terms.app.as_bytes()),
        "members_root": hex(terms.members_root.as_bytes()),
        "members_count": terms.members_count,
        "flags": terms.flags,
        "delays_s": terms.delays_s,
        "guardian": guardian,
        "context": hex(terms.context.as_bytes()),
    })
}

/// 100 TGas are at hand unless a test says otherwise.
pub(crate) const fn tgas(tgas: u64) -> Gas {
    Gas::from_teragas(tgas)
}
