//! A small network: three producers, whose stakes the rows choose.

use ed25519_dalek::{Signer as _, SigningKey};

use super::{super::producers::StakeForm, *};

const FORM: StakeForm = StakeForm::V1;

fn epoch(number: u8) -> CryptoHash {
    CryptoHash::from_bytes([number; 32])
}

fn secret(epoch: u8, index: u8) -> SigningKey {
    SigningKey::from_bytes(&[epoch * 16 + index; 32])
}

/// The producers of an epoch, one for each stake.
fn producers(epoch: u8, stakes: &[u128]) -> Vec<Producer> {
    let producer = |(index, stake): (u8, &u128)| Producer {
        account_id: format!("node{index}").parse().expect("legal"),
        key: secret(epoch, index).verifying_key().to_bytes(),
        stake: *stake,
        form: FORM,
    };
    (0..).zip(stakes).map(producer).collect()
}

fn header(height: u64, number: u8, next: &[Producer]) -> Header {
    let root = |byte| CryptoHash::from_bytes([byte; 32]);
    let inner = InnerLite {
        height,
        epoch_id: epoch(number),
        next_epoch_id: epoch(number + 1),
        prev_state_root: root(101),
        outcome_root: root(102),
        timestamp_ns: 1_683_879_963_131_050_194,
        next_bp_hash: next_bp_hash(next),
        block_merkle_root: root(103),
    };
    Header { prev_block_hash: root(104), inner_rest_hash: root(105), inner }
}

/// A block of epoch `number`, approved by the producers at `approvers`.
fn block(height: u64, number: u8, next: Vec<Producer>, approvers: &[u8]) -> Block {
    let header = header(height, number, &next);
    let mut block = Block {
        header,
        next_block_inner_hash: CryptoHash::of(b"next"),
        next_producers: Some(next),
        approvals: Vec::new(),
    };
    let message = block.approval_message(&header.hash()).expect("a height");
    let approval = |index| {
        let approves = approvers.contains(&index);
        approves.then(|| secret(number, index).sign(&message).to_bytes())
    };
    block.approvals = (0..3).map(approval).collect();
    block
}

const STAKES: [u128; 3] = [30, 30, 30];

/// At height 10 of epoch 1.
fn client() -> LightClient {
    let next = producers(2, &STAKES);
    LightClient::start(header(10, 1, &next), next).expect("they belong together")
}

fn first(approvers: &[u8]) -> Block {
    block(20, 2, producers(3, &STAKES), approvers)
}

#[track_caller]
fn refuses(story: &str, block: Block, error: Refused) {
    let mut client = client();
    let before = *client.hash();
    assert_eq!(client.advance(block), Err(error), "{story}");
    assert_eq!(client.hash(), &before, "{story}");
}

#[test]
fn epochs_are_handed_over() {
    let mut client = client();
    let stake = client.advance(first(&[0, 1, 2])).expect("final");
    assert_eq!(stake, Stake { approved: 90, total: 90 });
    // Within the epoch, then into the next.
    let mut within = block(25, 2, producers(3, &STAKES), &[0, 1, 2]);
    within.next_producers = None;
    client.advance(within).expect("final");
    let last = block(30, 3, producers(4, &STAKES), &[2, 1, 0]);
    client.advance(last.clone()).expect("final");
    assert_eq!(client.head(), &last.header);
    assert_eq!(client.hash(), &last.header.hash());
}

#[test]
fn more_than_two_thirds_must_approve() {
    let check = |stakes: [u128; 3], approvers: &[u8], is_enough: bool| {
        let next = producers(2, &stakes);
        let mut client = LightClient::start(header(10, 1, &next), next).expect("they belong");
        let found = client.advance(first(approvers));
        assert_eq!(found.is_ok(), is_enough, "{stakes:?} {approvers:?}: {found:?}");
    };
    check([30, 30, 30], &[0, 1], false);
    check([30, 31, 30], &[0, 1], true);
    check([1, 1, 1], &[0, 1], false);
    check([0, 0, 0], &[0, 1, 2], false);
    check([u128::MAX - 1, 1, 0], &[0], true);
    check([1 << 127, 1 << 126, 1 << 125], &[0], false);
    check([1 << 127, 1 << 126, 1 << 125], &[0, 2], true);
    check(STAKES, &[], false);
}

#[test]
fn stakes_beyond_all_numbers_are_refused() {
    let next = producers(2, &[u128::MAX, 1]);
    let mut client = LightClient::start(header(10, 1, &next), next).expect("they belong");
    assert_eq!(client.advance(first(&[0, 1])), Err(Refused::OtherProducers));
}

#[test]
fn blocks_out_of_order_are_refused() {
    let at = |height, number| block(height, number, producers(number + 1, &STAKES), &[0, 1, 2]);
    refuses("the same height", at(10, 2), Refused::Height);
    refuses("below", at(9, 2), Refused::Height);
    refuses("an epoch left out", at(20, 3), Refused::Epoch);
    refuses("an epoch before", at(20, 0), Refused::Epoch);
    refuses("the head's own epoch, whose producers nobody named", at(20, 1), Refused::Epoch);
    let mut last = at(20, 2);
    last.header.inner.height = u64::MAX;
    refuses("a height without successors", last, Refused::Height);
}

#[test]
fn the_next_producers_are_those_of_the_block() {
    let mut none = first(&[0, 1, 2]);
    none.next_producers = None;
    refuses("none at the beginning of an epoch", none, Refused::NoProducers);
    let changed = |change: &dyn Fn(&mut Vec<Producer>)| {
        let mut block = first(&[0, 1, 2]);
        change(block.next_producers.as_mut().expect("named"));
        block
    };
    let other = Refused::OtherProducers;
    refuses("another stake", changed(&|next| next[0].stake += 1), other);
    refuses("another key", changed(&|next| next[0].key[0] ^= 1), other);
    refuses("another order", changed(&|next| next.swap(0, 1)), other);
    refuses("another form", changed(&|next| next[0].form = StakeForm::Bare), other);
    refuses("one less", changed(&|next| drop(next.pop())), other);
    refuses("nobody", changed(&|next| next.clear()), other);
    let next = producers(9, &STAKES);
    let start = LightClient::start(header(10, 1, &producers(2, &STAKES)), next);
    assert_eq!(start.err(), Some(other));
}

#[test]
fn every_approval_must_hold() {
    let changed = |change: &dyn Fn(&mut Block)| {
        let mut block = first(&[0, 1, 2]);
        change(&mut block);
        block
    };
    let bad = Refused::Signature;
    refuses(
        "a bad one among enough",
        changed(&|block| {
            block.approvals[2].as_mut().expect("there")[0] ^= 1;
        }),
        bad,
    );
    refuses("of another producer", changed(&|block| block.approvals.swap(0, 1)), bad);
    refuses(
        "of another block after",
        changed(&|block| {
            block.next_block_inner_hash = CryptoHash::ZERO;
        }),
        bad,
    );
    let inner: [&dyn Fn(&mut InnerLite); 5] = [
        &|inner| inner.height += 1,
        &|inner| inner.timestamp_ns += 1,
        &|inner| inner.outcome_root = CryptoHash::ZERO,
        &|inner| inner.prev_state_root = CryptoHash::ZERO,
        &|inner| inner.block_merkle_root = CryptoHash::ZERO,
    ];
    for change in inner {
        refuses("of another header", changed(&|block| change(&mut block.header.inner)), bad);
    }
    refuses(
        "a producer without a key",
        {
            let mut next = producers(2, &STAKES);
            next[0].key = [0xff; 32];
            let mut client = LightClient::start(header(10, 1, &next), next).expect("they belong");
            assert_eq!(client.advance(first(&[0, 1, 2])), Err(bad));
            let error = Refused::TooLittle { approved: 60, total: 90 };
            assert_eq!(client.advance(first(&[1, 2])), Err(error), "its stake counts");
            changed(&|block| block.approvals.swap(0, 2))
        },
        bad,
    );
}

#[test]
fn approvals_beyond_the_producers_say_nothing() {
    let mut more = first(&[0, 1, 2]);
    more.approvals.push(Some([0; 64]));
    let stake = client().advance(more).expect("final");
    assert_eq!(stake.approved, 90);
    let mut fewer = first(&[0, 1, 2]);
    fewer.approvals.pop();
    refuses("fewer", fewer, Refused::TooLittle { approved: 60, total: 90 });
}

#[test]
fn producers_that_stay_keep_their_keys() {
    let (block, list) = (first(&[0, 1, 2]), producers(2, &STAKES));
    let message = block.approval_message(&block.header.hash()).expect("a height");
    let mut mixed = producers(3, &STAKES);
    mixed[1] = list[1].clone();
    for before in [producers(3, &STAKES), list.clone(), mixed, Vec::new()] {
        let before = Producers::new(&before, None).expect("few");
        let after = Producers::new(&list, Some(&before)).expect("few");
        assert_eq!(after.approved(&block.approvals, &message), Some(90));
        assert_eq!(after.total(), 90);
    }
}
