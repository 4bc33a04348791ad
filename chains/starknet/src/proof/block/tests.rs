use super::*;

fn late() -> Since0_13_2 {
    Since0_13_2 {
        version: "0.13.4".to_owned(),
        receipt_commitment: Felt::ONE,
        state_diff_commitment: Felt::TWO,
        state_diff_length: 3,
        is_blob: true,
        l1_gas_price: GasPrice { wei: 4, fri: 5 },
        l1_data_gas_price: GasPrice { wei: 6, fri: 7 },
        l2_gas_price: Some(GasPrice { wei: 8, fri: 9 }),
    }
}

fn header() -> Header {
    Header {
        number: 10,
        parent_hash: Felt::from(11),
        state_root: Felt::from(12),
        sequencer: Felt::from(13),
        timestamp_s: 14,
        transactions: 15,
        transaction_commitment: Felt::from(16),
        events: 17,
        event_commitment: Felt::from(18),
        since_0_13_2: Some(late()),
    }
}

#[test]
fn the_version_alone_chooses_the_rule() {
    let check = |version: &str, rule| assert_eq!(HashRule::of_version(version), rule, "{version}");
    check("0.7.0", Ok(HashRule::Before0_13_2));
    check("0.9.1", Ok(HashRule::Before0_13_2));
    check("0.13.1.1", Ok(HashRule::Before0_13_2));
    check("0.13.2", Ok(HashRule::Since0_13_2));
    check("0.13.2.1", Ok(HashRule::Since0_13_2));
    check("0.13.3", Ok(HashRule::Since0_13_2));
    check("0.13.4", Ok(HashRule::Since0_13_4));
    check("0.13.10", Ok(HashRule::Since0_13_4));
    check("0.14.1", Ok(HashRule::Since0_13_4));
    check("1.0", Ok(HashRule::Since0_13_4));
    for version in ["", "0.6.2", "0.13.04", "0.13.+4", "v0.13.4", "0..1", "0.13.4.1.2", "0.13.4 "] {
        check(version, Err(BadHeader::Version));
    }
}

#[test]
fn each_part_counts_by_its_rule() {
    let rules = [
        HashRule::Before0_7 { chain: word(b"SN_MAIN") },
        HashRule::Before0_13_2,
        HashRule::Since0_13_2,
        HashRule::Since0_13_4,
    ];
    /// From which of the rules on the changed part counts.
    type Row = (&'static str, usize, fn(&mut Header));
    let rows: [Row; 19] = [
        ("number", 0, |h| h.number += 1),
        ("parent", 0, |h| h.parent_hash += Felt::ONE),
        ("state", 0, |h| h.state_root += Felt::ONE),
        ("transactions", 0, |h| h.transactions += 1),
        ("their commitment", 0, |h| h.transaction_commitment += Felt::ONE),
        ("sequencer", 1, |h| h.sequencer += Felt::ONE),
        ("time", 1, |h| h.timestamp_s += 1),
        ("events", 1, |h| h.events += 1),
        ("their commitment", 1, |h| h.event_commitment += Felt::ONE),
        ("version", 2, |h| with(h, |late| late.version = "0.13.5".to_owned())),
        ("receipts", 2, |h| with(h, |late| late.receipt_commitment += Felt::ONE)),
        ("state diff", 2, |h| with(h, |late| late.state_diff_commitment += Felt::ONE)),
        ("its length", 2, |h| with(h, |late| late.state_diff_length += 1)),
        ("blob", 2, |h| with(h, |late| late.is_blob = false)),
        ("L1 gas in wei", 2, |h| with(h, |late| late.l1_gas_price.wei += 1)),
        ("L1 gas in fri", 2, |h| with(h, |late| late.l1_gas_price.fri += 1)),
        ("data gas in wei", 2, |h| with(h, |late| late.l1_data_gas_price.wei += 1)),
        ("data gas in fri", 2, |h| with(h, |late| late.l1_data_gas_price.fri += 1)),
        ("L2 gas", 3, |h| with(h, |late| late.l2_gas_price = Some(GasPrice::default()))),
    ];
    for (part, since, change) in rows {
        let mut changed = header();
        change(&mut changed);
        for (place, rule) in rules.into_iter().enumerate() {
            let differs = changed.hash(rule) != header().hash(rule);
            assert_eq!(differs, place >= since, "{part} by {rule:?}");
        }
    }
}

fn with(header: &mut Header, change: impl FnOnce(&mut Since0_13_2)) {
    change(header.since_0_13_2.as_mut().expect("it is there"));
}

#[test]
fn a_rule_needs_its_parts() {
    let old = Header { since_0_13_2: None, ..header() };
    assert!(old.hash(HashRule::Before0_13_2).is_ok());
    let lacks = |what| Err(BadHeader::Lacks(what));
    assert_eq!(old.hash(HashRule::Since0_13_2), lacks("a receipt commitment"));
    let mut no_l2 = header();
    with(&mut no_l2, |late| late.l2_gas_price = None);
    assert!(no_l2.hash(HashRule::Since0_13_2).is_ok());
    assert_eq!(no_l2.hash(HashRule::Since0_13_4), lacks("a price of L2 gas"));
}

#[test]
fn counts_stand_beside_each_other() {
    let counts = header().counts(&late());
    let expected = "0xf00000000000000110000000000000003\
                    8000000000000000";
    assert_eq!(format!("{counts:#x}"), expected);
}

#[test]
fn sequencers_sign_by_two_rules() {
    let hash = Felt::from(99);
    assert_eq!(signed_hash(&hash, SignatureRule::BlockHash), hash);
    let with = |number: u8| signed_hash(&hash, SignatureRule::WithStateDiff(Felt::from(number)));
    assert_ne!(with(1), with(2));
    assert_ne!(with(1), hash);
}
