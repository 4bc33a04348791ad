//! A registry on a devnet of its own, and admins who call it.

use anyhow::{Context as _, Result, bail, ensure};
use governance::anchor::{Action, Code, Head, OnChainId, Registry, encode_actions};
use starknet_rs::core::{
    types::{Call, ExecutionResult, Felt, InvokeTransactionReceipt},
    utils::get_selector_from_name,
};
use types::{Hash, keccak256};

use crate::{
    devnet::{Artifact, Devnet, program},
    replay::CHAIN,
    wire,
};

/// When these tests play.
pub(crate) const START_S: u64 = 1_800_000_000;
/// The members root that records begin with, as 32 bytes of this.
pub(crate) const MEMBERS: Hash = Hash::from_bytes([0x10; 32]);
const SALT: [u8; 32] = [7; 32];

/// A registry with one record, whose creator is account 1; account 0 deploys.
pub(crate) struct Council {
    pub(crate) devnet: Devnet,
    pub(crate) registry: Felt,
    pub(crate) id: OnChainId,
    pub(crate) domain: Hash,
    /// The last second of what is proposed.
    pub(crate) expiry_s: u64,
}

/// What a call came to: the receipt, or why it reverted.
pub(crate) type Answer = std::result::Result<InvokeTransactionReceipt, String>;

impl Council {
    /// None where there is no devnet.
    pub(crate) async fn new(members_root: &Hash, options: &[&str]) -> Result<Option<Self>> {
        let Some(program) = program() else { return Ok(None) };
        let artifact = Artifact::read("artifact", "Registry")?;
        let mut devnet = Devnet::start(&program, options).await?;
        devnet.at(START_S).await?;
        devnet.declare(&artifact).await?;
        let registry = devnet.deploy(artifact.class_hash, Felt::ONE, &[]).await?;
        let place = Registry {
            chain: CHAIN.parse()?,
            account: wire::account(registry).context("an address")?,
        };
        let creator = devnet.accounts.get(1).context("an account")?.address();
        let id = place.context(&wire::account(creator).context("an address")?, &SALT);
        let domain = place.log_start(&id);
        let expiry_s = START_S + 7 * 24 * 3600;
        let mut council = Self { devnet, registry, id, domain, expiry_s };
        council.done(1, "create", created(&SALT, members_root)).await?;
        Ok(Some(council))
    }

    pub(crate) fn address(&self, by: usize) -> Result<Felt> {
        Ok(self.devnet.accounts.get(by).context("an account")?.address())
    }

    /// A call of the registry as it stands.
    pub(crate) fn call(&self, name: &str, calldata: Vec<Felt>) -> Result<Call> {
        Ok(Call { to: self.registry, selector: get_selector_from_name(name)?, calldata })
    }

    /// A call about the record: the context and `rest`.
    pub(crate) fn about(&self, rest: impl IntoIterator<Item = Felt>) -> Vec<Felt> {
        wire::context(&self.id).into_iter().chain(rest).collect()
    }

    /// What a call by account `by` comes to.
    pub(crate) async fn ask(
        &mut self,
        by: usize,
        name: &str,
        calldata: Vec<Felt>,
    ) -> Result<Answer> {
        let call = self.call(name, calldata)?;
        let receipt = self.devnet.invoke(by, vec![call]).await?;
        Ok(answer(receipt))
    }

    pub(crate) async fn done(
        &mut self,
        by: usize,
        name: &str,
        calldata: Vec<Felt>,
    ) -> Result<InvokeTransactionReceipt> {
        self.ask(by, name, calldata).await?.map_err(|reason| anyhow::anyhow!("{name}: {reason}"))
    }

    pub(crate) async fn refused(
        &mut self,
        by: usize,
        name: &str,
        calldata: Vec<Felt>,
        code: Code,
    ) -> Result<()> {
        let answer = self.ask(by, name, calldata).await?;
        let reason = answer.err().with_context(|| format!("{name} was done, not {code:?}"))?;
        ensure!(reason.contains(&format!("('{code:?}')")), "{name}: not {code:?}: {reason}");
        Ok(())
    }

    /// Arguments of `propose` and `act`.
    pub(crate) fn batch(&self, actions: &[Action]) -> Result<Vec<Felt>> {
        Ok(self.raw(&encode_actions(actions)?))
    }

    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<Felt> {
        self.about(wire::byte_array(bytes).into_iter().chain([self.expiry_s.into()]))
    }

    /// Arguments of `execute` and `approve_and_execute`.
    pub(crate) fn numbered(&self, seq: u64, actions: &[Action]) -> Result<Vec<Felt>> {
        let batch = wire::byte_array(&encode_actions(actions)?);
        Ok(self.about([seq.into()].into_iter().chain(batch)))
    }

    /// Arguments of `approve`.
    pub(crate) fn approval(&self, seq: u64, actions: &[Action]) -> Result<Vec<Felt>> {
        let hash = wire::hash(&keccak256(&encode_actions(actions)?));
        Ok(self.about([seq.into()].into_iter().chain(hash)))
    }

    /// Another record beside the one that this is about.
    pub(crate) async fn create_anew(&mut self, salt: [u8; 32]) -> Result<InvokeTransactionReceipt> {
        self.done(1, "create", created(&salt, &MEMBERS)).await
    }

    /// The number of the last proposal.
    pub(crate) async fn last_seq(&self) -> Result<u64> {
        let answer = self.devnet.call(self.registry, "head", self.about([])).await?;
        let [high, low, ..] = answer[..] else { bail!("no head: {answer:?}") };
        let head = Head::unpack(&wire::joined(high, low)).context("a record")?;
        Ok(head.seq)
    }

    /// Whether an account holds a seat.
    pub(crate) async fn is_seated(&self, account: Felt) -> Result<bool> {
        let answer = self.devnet.call(self.registry, "admin", self.about([account])).await?;
        Ok(answer.first() == Some(&Felt::ONE))
    }
}

/// No delays, claims, no guardian.
fn created(salt: &[u8; 32], members_root: &Hash) -> Vec<Felt> {
    let mut calldata = wire::word(salt).to_vec();
    calldata.extend(wire::word(&[0x0a; 32]));
    calldata.extend(wire::hash(members_root));
    calldata.extend([1_u64, 1, 0, 0, 0, 0, 0].map(Felt::from));
    calldata.extend(wire::word(&[0x0c; 32]));
    calldata
}

pub(crate) fn answer(receipt: InvokeTransactionReceipt) -> Answer {
    match &receipt.execution_result {
        ExecutionResult::Succeeded => Ok(receipt),
        ExecutionResult::Reverted { reason } => Err(reason.clone()),
    }
}

/// The membership batch that replaces one root by another.
pub(crate) fn members(previous: u8, next: u8) -> Vec<Action> {
    vec![Action::SetMembersRoot {
        prev: Hash::from_bytes([previous; 32]),
        new: Hash::from_bytes([next; 32]),
        count: 2,
        delta_hash: Hash::from_bytes([0x22; 32]),
    }]
}

pub(crate) fn nominate(account: Felt) -> Result<Action> {
    let account = wire::account(account).context("an address")?;
    Ok(Action::NominateAdmin { account, ttl_s: 3600 })
}
