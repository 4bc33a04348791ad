//! A multisig account holds a seat and acts from it.

use anyhow::{Context as _, Result, ensure};
use governance::anchor::Code;
use starknet_rs::{
    core::types::{Felt, InvokeTransactionReceipt},
    signers::SigningKey,
};

use crate::{
    council::{Council, MEMBERS, answer, members, nominate},
    devnet::Artifact,
};

/// Of the multisig, in the chain's smallest coin.
const FUNDS: u64 = 10_000_000_000_000_000_000;

/// A 2-of-3 account that signs.
struct Multisig {
    address: Felt,
    keys: Vec<SigningKey>,
    nonce: u64,
}

impl Multisig {
    async fn new(council: &mut Council) -> Result<Self> {
        let artifact = Artifact::read("test/artifact/multisig", "Multisig")?;
        council.devnet.declare(&artifact).await?;
        let keys = [11_u64, 12, 13].map(|secret| SigningKey::from_secret_scalar(secret.into()));
        let public = keys.clone().map(|key| key.verifying_key().scalar());
        let address = council.devnet.deploy(artifact.class_hash, Felt::TWO, &public).await?;
        council.devnet.fund(address, FUNDS).await?;
        Ok(Self { address, keys: keys.to_vec(), nonce: 0 })
    }

    /// What `indices` and keys sign, in this order.
    fn sign(&self, hash: &Felt, signers: &[usize]) -> Result<Vec<Felt>> {
        let mut felts = Vec::new();
        for index in signers {
            let key = self.keys.get(*index).context("a key")?;
            let signature = key.sign(hash)?;
            felts.extend([Felt::from(*index), signature.r, signature.s]);
        }
        Ok(felts)
    }

    async fn send(
        &mut self,
        council: &Council,
        name: &str,
        calldata: Vec<Felt>,
        signers: &[usize],
    ) -> Result<InvokeTransactionReceipt> {
        let (address, nonce) = (self.address, self.nonce);
        let calls = vec![council.call(name, calldata)?];
        let sign = |hash: &Felt| self.sign(hash, signers);
        let receipt = council.devnet.invoke_as(address, nonce, calls, sign).await?;
        self.nonce += 1;
        Ok(receipt)
    }
}

#[tokio::test]
async fn a_multisig_holds_a_seat_and_acts() {
    let council = Council::new(&MEMBERS, &[]).await.expect("devnet runs");
    let Some(council) = council else { return };
    play(council).await.expect("two of three decide");
}

async fn play(mut council: Council) -> Result<()> {
    let mut multisig = Multisig::new(&mut council).await?;
    let batch = council.batch(&[nominate(multisig.address)?])?;
    council.done(1, "act", batch).await?;
    let accept = council.about([]);
    let alone = multisig.send(&council, "accept_admin", accept.clone(), &[0]).await;
    ensure!(alone.is_err(), "one key of three is taken for two");
    let twice = multisig.send(&council, "accept_admin", accept.clone(), &[1, 1]).await;
    ensure!(twice.is_err(), "one key is taken twice");
    let accepted = multisig.send(&council, "accept_admin", accept, &[0, 2]).await?;
    answer(accepted).map_err(anyhow::Error::msg)?;
    ensure!(council.is_seated(multisig.address).await?, "it has no seat");

    let batch = council.batch(&members(0x10, 0x11))?;
    let acted = multisig.send(&council, "act", batch.clone(), &[1, 2]).await?;
    let acted = answer(acted).map_err(anyhow::Error::msg)?;
    let told = acted.events.iter().filter(|event| event.from_address == council.registry);
    ensure!(told.count() == 4, "proposed, queued, a revision, executed");

    // The other admin's seat is another: it cannot leave in the multisig's name.
    council.done(1, "renounce", council.about([])).await?;
    ensure!(council.is_seated(multisig.address).await?, "the multisig's seat went");
    council.refused(1, "act", council.batch(&members(0x11, 0x12))?, Code::E12).await?;
    let last = multisig.send(&council, "renounce", council.about([]), &[0, 1]).await?;
    let reason = answer(last).err().context("the last admin left")?;
    ensure!(reason.contains("('E53')"), "{reason}");
    Ok(())
}
