//! What a context may start from.

use super::*;

#[test]
fn a_genesis_must_hold_together() {
    let check = |story: &str, why: Denied, forgery: fn(&mut crate::log::Genesis)| {
        let mut body = owner_genesis(1, Policy::default()).body;
        forgery(&mut body);
        let signed = Signed::new(body, &person("olga").secret);
        assert_eq!(Acl::open(&signed, &Notary).map(drop), Err(why), "{story}");
    };
    check("another version", Denied::UnknownVersion { found: 2 }, |genesis| genesis.version = 2);
    check("another owner", Denied::CreatorNotOwner, |genesis| {
        genesis.sequencer = crate::log::Sequencer::Owner(key("mallory"));
    });
    check("another exchange key", Denied::BadProof(Proof::Exchange), |genesis| {
        genesis.creator.exchange = person("mallory").exchange.public();
    });
    check(
        "an exchange key of low order",
        Denied::WeakExchangeKey { member: key("olga") },
        |genesis| genesis.creator.exchange = types::ExchangeKey::from_bytes([0; 32]),
    );
    check("an account without proof", Denied::ProofCount, |genesis| {
        genesis.creator_account = Some(crate::log::tests::world::account("olga"));
    });
    check("an account that the policy demands", Denied::AccountMissing, |genesis| {
        genesis.policy.require_account = true;
    });
    check("a chain without the creator's account", Denied::AccountMissing, |genesis| {
        genesis.sequencer = crate::log::tests::world::chain_genesis().body.sequencer;
    });
    check("an account on another chain", Denied::AccountOnOtherChain, |genesis| {
        let chained = crate::log::tests::world::chain_genesis().body;
        genesis.sequencer = chained.sequencer;
        let elsewhere = "eip155:1:0x00000000000000000000000000000000000a11ce";
        genesis.creator_account = Some(elsewhere.parse().expect("legal"));
    });
    check("an account that is none on its chain", Denied::BadAddress, |genesis| {
        let chained = crate::log::tests::world::chain_genesis().body;
        genesis.sequencer = chained.sequencer;
        genesis.creator_account = Some("eip155:31337:0xa11ce".parse().expect("legal"));
    });
    check("a proof that the create call makes needless", Denied::ProofCount, |genesis| {
        let chained = crate::log::tests::world::chain_genesis().body;
        genesis.sequencer = chained.sequencer;
        genesis.creator_account = chained.creator_account;
        let (scheme, message, signature) = (1, Vec::new(), Vec::new());
        genesis.creator_proof = Some(crate::log::WalletProof { scheme, message, signature });
    });
    let mut forged = owner_genesis(1, Policy::default());
    forged.body.salt = [9; 32];
    assert_eq!(Acl::open(&forged, &Notary).map(drop), Err(Denied::BadProof(Proof::Genesis)));
}

#[test]
fn every_listed_low_order_point_and_no_honest_key_is_weak() {
    use types::{
        ExchangeKey,
        seal::{Envelope, EpochSecret},
    };
    let secret = EpochSecret::from_bytes([1; 32]);
    let context = World::owned().acl.context();
    let mut rng =
        <rand_chacha::ChaCha20Rng as rand_chacha::rand_core::SeedableRng>::from_seed([3; 32]);
    for bytes in MemberRecord::low_order_points() {
        for high_bit in [0, 0x80] {
            let mut bytes = bytes;
            bytes[31] |= high_bit;
            let exchange = ExchangeKey::from_bytes(bytes);
            assert!(Envelope::wrap(&secret, &context, 0, &exchange, &mut rng).is_err());
            let record = MemberRecord { exchange, ..record_of("olga") };
            assert!(record.has_weak_exchange(), "{exchange}");
        }
    }
    assert!(!record_of("olga").has_weak_exchange());
}

fn record_of(name: &str) -> MemberRecord {
    let person = person(name);
    MemberRecord::new(World::owned().acl.context(), &person.secret, &person.exchange)
}
