//! What peers and people hand to the engine: one encoding per value, no panic on anything.

use anchorhold_engine::{
    Link,
    wire::{Ask, Greeting, Introduction, JoinAnswer, JoinQuestion, MESSAGE_MAX_BYTES, Tell},
};
use governance::log::{Caps, Invitation, Invitee, Role};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use types::{
    AppId, ContextId, Hash, InvitationId, InviteSecret, MemberSecret, Signed, encode,
    seal::EpochSecret,
};

const HERE: ContextId = ContextId::from_bytes([1; 32]);
const ELSEWHERE: ContextId = ContextId::from_bytes([2; 32]);

fn link(seed: u64, bootstrap: Vec<String>) -> Link {
    let rng = &mut ChaCha20Rng::seed_from_u64(seed);
    let (inviter, secret) = (MemberSecret::generate(rng), InviteSecret::generate(rng));
    let invitation = Invitation {
        context: HERE,
        inviter: inviter.public(),
        role: Role::ReadOnly,
        caps: Caps::NONE,
        invitee: Invitee::Open(secret.address()),
        expires_epoch: None,
        expires_at_s: Some(seed),
        max_uses: 1,
        salt: [7; 16],
    };
    Link { invitation: Signed::new(invitation, &inviter), bootstrap, secret: Some(secret) }
}

#[test]
fn an_introduction_proves_one_member_to_one_peer_in_one_context() {
    let rng = &mut ChaCha20Rng::seed_from_u64(1);
    let alice = MemberSecret::generate(rng);
    let introduction = Introduction::new(&HERE, b"alice", b"bob", &alice);
    assert!(introduction.holds(&HERE, b"alice", b"bob"));
    assert!(!introduction.holds(&HERE, b"bob", b"alice"), "not the way back");
    assert!(!introduction.holds(&HERE, b"eve", b"bob"), "not from another peer");
    assert!(!introduction.holds(&HERE, b"alice", b"eve"), "not to another peer");
    assert!(!introduction.holds(&ELSEWHERE, b"alice", b"bob"), "not in another context");
    let sealed = introduction.seal(&HERE, rng).expect("seals");
    assert_eq!(Introduction::open(&HERE, &sealed), Some(introduction));
    assert_eq!(Introduction::open(&ELSEWHERE, &sealed), None, "not for who knows another context");
}

#[test]
fn a_join_question_is_bound_to_both_peers() {
    let member = MemberSecret::from_seed(&[3; 32]);
    let invitation = InvitationId::from_bytes([4; 32]);
    let question = JoinQuestion::new(HERE, invitation, (b"bob", b"alice"), &member);
    assert!(question.holds(b"bob", b"alice"));
    assert!(!question.holds(b"eve", b"alice"));
    assert!(!question.holds(b"bob", b"eve"));
}

#[test]
fn text_that_is_no_link_is_refused() {
    let good = link(9, vec![]).to_string();
    for bad in [
        "",
        "anchorhold:",
        "anchorhold:zz",
        "anchorhold:0",
        good.trim_start_matches("anchorhold:"),
        &good[..good.len() - 2],
        &format!("{good}00"),
        &good.replacen(":01", ":02", 1),
    ] {
        assert!(bad.parse::<Link>().is_err(), "{bad}");
    }
    let long = link(9, vec!["x".to_owned(); 17]).to_string();
    assert!(long.parse::<Link>().is_err(), "too many addresses");
}

#[test]
fn a_link_does_not_print_its_secret() {
    let link = link(5, vec![]);
    let secret = link.secret.as_ref().map(|secret| Hash::from_bytes(*secret.to_bytes()));
    let secret = secret.expect("an open invitation").to_string();
    assert!(!format!("{link:?}").contains(&secret));
}

proptest! {
    #[test]
    fn links_round_trip(
        seed: u64,
        bootstrap in proptest::collection::vec("[a-z0-9/]{0,40}", 0..16),
    ) {
        let text = link(seed, bootstrap.clone()).to_string();
        let parsed: Link = text.parse().expect("a link of our own");
        prop_assert_eq!(parsed.bootstrap, bootstrap);
        prop_assert_eq!(parsed.invitation, link(seed, vec![]).invitation);
    }

    #[test]
    fn messages_round_trip(room: [u8; 32], bytes: Vec<u8>, offset: u64, key_epoch: u32) {
        let room = Hash::from_bytes(room);
        let rng = &mut ChaCha20Rng::seed_from_u64(offset);
        let sealed = EpochSecret::generate(rng).seal(&HERE, key_epoch, &bytes, rng).expect("seals");
        let asks = [
            Ask::Hello(vec![Greeting { room, introduction: bytes.clone() }]),
            Ask::Sync { room, sealed },
            Ask::Log { room, message: bytes.clone() },
            Ask::Blob { room, app: AppId::from_bytes([6; 32]), offset },
        ];
        for ask in asks {
            prop_assert_eq!(Ask::decode(&encode(&ask)), Ok(ask));
        }
        let tells = [
            Tell::Ack,
            Tell::Refused,
            Tell::Blob { total_bytes: offset, bytes },
            Tell::Join(JoinAnswer::Waiting("for it".to_owned())),
        ];
        for tell in tells {
            prop_assert_eq!(Tell::decode(&encode(&tell)), Ok(tell));
        }
    }

    #[test]
    fn arbitrary_bytes_and_text_never_panic(bytes: Vec<u8>, text: String) {
        if let Ok(ask) = Ask::decode(&bytes) {
            prop_assert_eq!(encode(&ask), bytes.clone());
        }
        if let Ok(tell) = Tell::decode(&bytes) {
            prop_assert_eq!(encode(&tell), bytes.clone());
        }
        prop_assert!(Introduction::open(&HERE, &bytes).is_none());
        prop_assert!(text.parse::<Link>().is_err());
        let prefixed = ["anchorhold:", &text].concat();
        prop_assert!(prefixed.parse::<Link>().is_err());
    }
}

#[test]
fn a_message_over_the_limit_is_refused_before_it_is_parsed() {
    assert!(Ask::decode(&vec![0; MESSAGE_MAX_BYTES + 1]).is_err());
    assert!(Tell::decode(&vec![0; MESSAGE_MAX_BYTES + 1]).is_err());
}
